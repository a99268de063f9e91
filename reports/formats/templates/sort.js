// Sorts a table by the heading that is pressed: ascending, descending, then as the report had it. Without this script
// the tables stand as they are.
"use strict";
(() => {
  const said = document.createElement("p");
  said.className = "unseen";
  said.setAttribute("role", "status");
  document.body.append(said);

  // The number that a cell begins with; words as they are; null for a cell that has nothing.
  const valueOf = (cell) => {
    const words = (cell.matches("th") ? cell.textContent : (cell.firstChild || cell).textContent).trim();
    if (words === "" || words === "–") return null;
    const number = /^<?([+-]?\d+(\.\d+)?)(?![\d-])/.exec(words.replace("−", "-").replaceAll(",", ""));
    return number ? Number(number[1]) : words;
  };
  const rank = (value) => (typeof value === "number" ? 0 : value === null ? 2 : 1);
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en");

  for (const table of document.querySelectorAll(".scroll table")) {
    const body = table.tBodies[0];
    const asMade = [...body.rows];
    if (asMade.length < 2) continue;
    const headings = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    headings.forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const before = heading.getAttribute("aria-sort");
        const order = before === "ascending" ? "descending" : before === "descending" ? null : "ascending";
        headings.forEach((other) => other.removeAttribute("aria-sort"));
        const rows = [...asMade];
        if (order) {
          heading.setAttribute("aria-sort", order);
          const way = order === "ascending" ? 1 : -1;
          const keys = new Map(rows.map((row) => [row, valueOf(row.cells[column])]));
          rows.sort((a, b) => {
            const [x, y] = [keys.get(a), keys.get(b)];
            // Words among numbers ("failed") and what is missing stand last, whichever way.
            return rank(x) - rank(y) || way * compare(x, y);
          });
        }
        body.append(...rows);
        said.textContent = order ? `sorted by ${button.textContent}, ${order}` : "in the order of the report";
      });
    });
  }
})();
