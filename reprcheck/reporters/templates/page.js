"use strict";
(function () {
  const form = document.querySelector(".filters");
  if (!form) return;
  const rows = [...document.querySelectorAll("tr.row")].map(function (row) {
    const body = row.parentNode;
    const words = [body.firstElementChild, row].map((part) => part.textContent).join(" ");
    return { row: row, body: body, dataset: body.dataset.dataset, words: words.toLowerCase() };
  });
  const groups = [...document.querySelectorAll("tbody.setting")];
  const titles = [...document.querySelectorAll("tbody.dataset, #scores [data-dataset]")];
  function show() {
    const chosen = new FormData(form);
    const statuses = new Set(chosen.getAll("status"));
    const text = chosen.get("text").trim().toLowerCase();
    const datasets = new Set();
    let shown = 0;
    for (const one of rows) {
      const fits =
        statuses.has(one.row.dataset.status) &&
        ["diagnostic", "model"].every((name) => !chosen.get(name) || chosen.get(name) === one.row.dataset[name]) &&
        (!chosen.get("dataset") || chosen.get("dataset") === one.dataset) &&
        one.words.includes(text);
      one.row.hidden = !fits;
      if (fits) {
        shown += 1;
        datasets.add(one.dataset);
      }
    }
    for (const group of groups) group.hidden = !group.querySelector("tr.row:not([hidden])");
    for (const title of titles) title.hidden = shown < rows.length && !datasets.has(title.dataset.dataset);
    form.querySelector("output").textContent = shown + " of " + rows.length + " verdicts shown";
  }
  form.addEventListener("input", show);
  form.addEventListener("reset", () => setTimeout(show));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  show();
})();
