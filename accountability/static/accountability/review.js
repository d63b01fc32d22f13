// Review shortcuts: a approves, o overturns, i requests information, n opens the next decision. A verdict that needs a reason
// focuses the reason field first: Enter then submits, Shift+Enter starts a new line, Escape leaves the field. WCAG 2.1.4
// requires a way to turn single-letter shortcuts off (speech input triggers them); localStorage remembers the choice.
"use strict";

(function () {
  const OFF = "liftos.review.keys.off";
  let pending = null;

  document.addEventListener("DOMContentLoaded", function () {
    const box = document.querySelector("[data-review-keys]");
    if (box) {
      box.checked = !localStorage.getItem(OFF);
      box.addEventListener("change", () => (box.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1")));
    }
  });

  function control(key) {
    return document.querySelector('[data-review-key="' + CSS.escape(key) + '"]');
  }

  function reason() {
    return document.querySelector('textarea[name="reason"]');
  }

  function isTyping(element) {
    return element instanceof HTMLElement && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName)) && element.type !== "checkbox";
  }

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) {
      return;
    }
    const field = reason();
    if (field && event.target === field) {
      if (event.key === "Escape") {
        pending = null;
        field.blur();
      } else if (event.key === "Enter" && !event.shiftKey && pending) {
        event.preventDefault();
        if (field.value.trim()) {
          pending.click();
        }
      }
      return;
    }
    if (isTyping(event.target) || localStorage.getItem(OFF)) {
      return;
    }
    const pressed = control(event.key.toLowerCase());
    if (!pressed) {
      return;
    }
    event.preventDefault();
    const needsReason = event.key === "o" || event.key === "i";
    if (needsReason && field && !field.value.trim()) {
      pending = pressed;
      field.focus();
      return;
    }
    pressed.click();
  });
})();
