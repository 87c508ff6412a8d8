"use strict";
// Puts what the home page says in again, every few seconds, while somebody looks at it.
document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("operating");
  if (!place) return;
  const EVERY_MS = 10000;

  async function refresh() {
    if (!document.hidden && !place.contains(document.activeElement)) {
      try {
        const answer = await fetch(place.dataset.refresh, { headers: { "X-Fragment": "1" }, redirect: "error" });
        if (!answer.ok) throw new Error(answer.status);
        place.innerHTML = await answer.text();
        place.classList.remove("stale");
      } catch {
        place.classList.add("stale");
      }
    }
    setTimeout(refresh, EVERY_MS);
  }
  setTimeout(refresh, EVERY_MS);
});
