"use strict";
{
  // Redoc makes its styles itself: they get this page's nonce, without which the browser would not apply them.
  const { nonce } = document.currentScript;
  const createElement = Document.prototype.createElement;
  Document.prototype.createElement = function (name, ...more) {
    const element = createElement.call(this, name, ...more);
    if (String(name).toLowerCase() === "style") element.nonce = nonce;
    return element;
  };

  // It also wants its maker's logo from a host of theirs: nothing of ours is loaded from anywhere else.
  const isOurs = (url) => new URL(url, location).origin === location.origin;
  const setAttribute = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function (name, value) {
    if (this instanceof HTMLImageElement && name === "src" && !isOurs(value)) return;
    setAttribute.call(this, name, value);
  };
  const src = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, "src");
  Object.defineProperty(HTMLImageElement.prototype, "src", {
    ...src,
    set(value) {
      if (isOurs(value)) src.set.call(this, value);
    },
  });
}
