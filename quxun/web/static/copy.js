// Copy buttons behind addresses and snippets. Without this script they are selected by one click.
"use strict";

function selectAll(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

async function copy(element, button) {
  const text = element.href || element.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // No clipboard on pages that came without TLS: select it, and try the old way.
    selectAll(element);
    if (!document.execCommand("copy")) return;
  }
  const before = button.textContent;
  button.textContent = "已复制";
  setTimeout(() => { button.textContent = before; }, 1500);
}

for (const element of document.querySelectorAll("[data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copier";
  button.textContent = "复制";
  button.setAttribute("aria-label", `复制 ${element.dataset.copy}`);
  button.addEventListener("click", () => copy(element, button));
  element.after(" ", button);
}
