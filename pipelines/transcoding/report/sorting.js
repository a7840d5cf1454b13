// A click on a heading of the table sorts it, another one turns the order around.
for (const heading of document.querySelectorAll("#files th[data-sort]")) {
  const body = document.querySelector("#files tbody");
  const isText = heading.dataset.sort === "text";
  const key = (row) => {
    const cell = row.cells[heading.cellIndex];
    return isText ? cell.textContent.trim() : cell.dataset.value;
  };
  const compare = (a, b) => (isText ? a.localeCompare(b) : Number(a) - Number(b));

  function sort() {
    const turned = heading.getAttribute("aria-sort") === "ascending";
    for (const other of heading.parentNode.cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", turned ? "descending" : "ascending");
    const rows = [...body.rows];
    const [known, unknown] = [rows.filter((row) => key(row) !== ""), rows.filter((row) => key(row) === "")];
    known.sort((a, b) => compare(key(a), key(b)) * (turned ? -1 : 1));
    body.append(...known, ...unknown);
  }

  heading.tabIndex = 0;
  heading.addEventListener("click", sort);
  heading.addEventListener("keydown", (event) => event.key === "Enter" && sort());
}
