// Copy buttons behind addresses and snippets. Without this script they are selected by one click.
"use strict";

function selectAll(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

let used = null;

function tell(button, text) {
  button.textContent = text;
  button.setAttribute("aria-label", `${text} ${button.dataset.of}`);
}

async function copy(element, button) {
  try {
    await navigator.clipboard.writeText(element.href || element.textContent);
  } catch {
    // No clipboard on pages that came without TLS: select it, and try the old way.
    selectAll(element);
    if (!document.execCommand("copy")) return;
  }
  if (used) tell(used, "复制");
  used = button;
  tell(button, "已复制");
}

for (const element of document.querySelectorAll("[data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copier";
  button.dataset.of = element.dataset.copy;
  tell(button, "复制");
  button.addEventListener("click", () => copy(element, button));
  element.after(" ", button);
}
