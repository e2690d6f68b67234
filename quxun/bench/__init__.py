"""What ``quxun bench`` measures: this service beside a floor, in one run on this machine."""
