/* Every table that is marked so can be sorted by a click on a head, and saved as CSV. */

const csv = (rows) => rows.map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";

/* Quoted where it must be; a spreadsheet shall not take a word for a formula. */
function cell(value) {
  let text = String(value ?? "");
  if (typeof value === "string" && /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text))) text = "'" + text;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function save(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

function sortable(table) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  heads.forEach((head, place) => {
    head.classList.add("sortable");
    head.tabIndex = 0;
    const sort = () => {
      const down = head.getAttribute("aria-sort") !== "descending";
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => {
        const text = row.cells[place]?.textContent.trim() ?? "", value = Number(text.replaceAll(",", "").replace("\u2212", "-"));
        return text !== "" && Number.isFinite(value) ? value : text;
      };
      const rows = [...body.rows].sort((a, b) => {
        const [x, y] = [key(a), key(b)], order = typeof x === typeof y ? (x < y ? -1 : x > y ? 1 : 0) : typeof x === "number" ? -1 : 1;
        return down ? -order : order;
      });
      body.append(...rows);
    };
    head.onclick = sort;
    head.onkeydown = (event) => event.key === "Enter" && sort();
  });
}

function listenToTables() {
  for (const table of document.querySelectorAll("table[data-sortable]")) if (table.tHead && table.tBodies[0]) sortable(table);
  for (const button of document.querySelectorAll("[data-save]")) {
    button.onclick = () => save(button.dataset.save + ".csv", csv([...find(button.dataset.table).rows].map((row) => [...row.cells].map((each) => each.textContent.trim()))));
  }
}
