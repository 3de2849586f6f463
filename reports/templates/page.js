"use strict";
(() => {
  const reachScrollable = () => {
    for (const box of document.querySelectorAll(".picture")) {
      if (box.scrollWidth > box.clientWidth) box.setAttribute("tabindex", "0");
      else box.removeAttribute("tabindex");
    }
  };

  addEventListener("resize", reachScrollable);
  reachScrollable();

  const table = document.getElementById("run-table");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const search = document.getElementById("search");
  const status = document.getElementById("status");
  const shown = document.getElementById("shown");

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    rows.forEach((row, index) => {
      const cells = new Set(Array.from(row.cells, (cell) => cell.textContent.toLowerCase()));
      const found = words.every((word) =>
        /^[\d.]+$/.test(word) ? cells.has(word) : texts[index].includes(word));
      row.hidden = !found || (status.value !== "" && row.dataset.status !== status.value);
      count += row.hidden ? 0 : 1;
    });
    shown.textContent = `${count} of ${rows.length} rows`;
  };

  const key = (row, column) => {
    const cell = row.cells[column];
    if (!cell.classList.contains("n")) return cell.textContent;
    return cell.dataset.v === "" ? null : Number(cell.dataset.v);
  };

  const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b));

  const sort = (heading) => {
    const ascending = heading.getAttribute("aria-sort") !== "ascending";
    for (const other of table.tHead.rows[0].cells) {
      if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
    }
    heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const column = heading.cellIndex;
    const present = rows.filter((row) => key(row, column) !== null);
    const absent = rows.filter((row) => key(row, column) === null);
    present.sort((a, b) => compare(key(a, column), key(b, column)) * (ascending ? 1 : -1));
    body.append(...present, ...absent);
  };

  const showDetails = (run) => {
    const details = JSON.parse(document.getElementById("details-data").textContent)[run];
    const picture = document.getElementById("details-picture");
    document.getElementById("details-title").textContent = `Run ${run}`;
    document.getElementById("details-toml").textContent = details.toml;
    picture.hidden = !details.picture;
    document.getElementById("details-legend").hidden = !details.picture;
    if (details.picture) {
      picture.src = details.picture;
      picture.alt = `Originals, reconstructions and samples of run ${run}`;
    }
    document.getElementById("details").showModal();
  };

  const copyToml = () => {
    const toml = document.getElementById("details-toml");
    const range = document.createRange();
    range.selectNodeContents(toml);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    if (navigator.clipboard) navigator.clipboard.writeText(toml.textContent);
  };

  search.addEventListener("input", filter);
  status.addEventListener("change", filter);
  table.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.run) showDetails(button.dataset.run);
    else sort(button.closest("th"));
  });
  if (document.getElementById("details")) {
    document.getElementById("copy").addEventListener("click", copyToml);
    document.getElementById("close").addEventListener("click", () => document.getElementById("details").close());
  }
  filter();
})();
