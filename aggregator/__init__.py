"""The core of Quxun: from bytes on a district portal to a clean record and who gets it."""
