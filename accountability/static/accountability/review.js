// Reviewing by keys: a approves, o overturns, i asks for information, n goes to the next. What wants a reason puts the
// cursor into its field first; Enter there then sends it, Shift+Enter begins a new line, Escape gives the keys back. Single
// letters must be able to be switched off (WCAG 2.1.4): who speaks to a machine says them by accident; the browser keeps it.
"use strict";

(function () {
  const OFF = "liftos.review.keys.off";
  let wanted = null;

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
        wanted = null;
        field.blur();
      } else if (event.key === "Enter" && !event.shiftKey && wanted) {
        event.preventDefault();
        if (field.value.trim()) {
          wanted.click();
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
    const asksForReason = event.key === "o" || event.key === "i";
    if (asksForReason && field && !field.value.trim()) {
      wanted = pressed;
      field.focus();
      return;
    }
    pressed.click();
  });
})();
