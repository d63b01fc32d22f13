// Reviewing by keys: a approves, o overturns, i asks for information, n goes to the next. What wants a reason puts the
// cursor into its field first; Enter there then sends it, Shift+Enter begins a new line, Escape gives the keys back.
"use strict";

(function () {
  let wanted = null;

  function control(key) {
    return document.querySelector('[data-review-key="' + CSS.escape(key) + '"]');
  }

  function reason() {
    return document.querySelector('textarea[name="reason"]');
  }

  function isTyping(element) {
    return element instanceof HTMLElement && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName));
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
    if (isTyping(event.target)) {
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
