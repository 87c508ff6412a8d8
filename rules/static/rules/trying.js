"use strict";
// Puts what a button's page answers beside the form, instead of opening it; and asks again while that is not all yet.
document.addEventListener("DOMContentLoaded", () => {
  const fragment = { "X-Fragment": "1" };

  async function show(place, request) {
    place.setAttribute("aria-busy", "true");
    try {
      const answer = await request;
      place.innerHTML = answer.ok ? await answer.text() : "";
      if (!answer.ok) place.textContent = `That did not work (${answer.status}). Load the page again.`;
    } catch {
      place.textContent = "MUTT cannot be reached.";
    }
    place.removeAttribute("aria-busy");
    const unfinished = place.querySelector("[data-poll]");
    if (unfinished) {
      setTimeout(() => show(place, fetch(unfinished.dataset.poll, { headers: fragment })), 700);
    }
  }

  document.querySelectorAll("button[data-into]").forEach((button) => {
    button.addEventListener("click", (event) => {
      event.preventDefault();
      const body = new FormData(button.form);
      const request = fetch(button.formAction, { method: "POST", body, headers: fragment });
      show(document.getElementById(button.dataset.into), request);
    });
  });
});
