// Tables are sorted by a click on a heading or Enter on it, each group by itself: up, down, and as it was.
for (const table of document.querySelectorAll("main table")) {
  const heads = [...table.tHead.rows[0].cells];
  const bodies = [...table.tBodies].map(body => [body, [...body.rows].filter(row => !row.classList.contains("group"))]);
  if (!bodies.some(([, rows]) => rows.length > 1)) continue;
  const number = text => {
    const found = text.replace(/[\u2212]/g, "-").replace(/,/g, "").match(/-?(?:\d+(?:\.\d+)?|\u221e)/);
    return found ? (found[0].endsWith("\u221e") ? (found[0][0] === "-" ? -Infinity : Infinity) : parseFloat(found[0])) : NaN;
  };
  heads.forEach((head, at) => {
    // A heading without a word is no name for a button.
    if (!head.textContent.trim()) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const order = { ascending: "descending", descending: "none" }[head.getAttribute("aria-sort")] || "ascending";
      heads.forEach(other => other.removeAttribute("aria-sort"));
      if (order !== "none") head.setAttribute("aria-sort", order);
      const sign = order === "descending" ? -1 : 1;
      const numeric = head.classList.contains("right");
      const key = row => { const text = row.cells[at].textContent; return numeric ? number(text) : text; };
      const compare = (one, other) => {
        const [a, b] = [key(one), key(other)];
        if (!numeric) return sign * a.localeCompare(b, "en");
        if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
        return a === b ? 0 : sign * (a < b ? -1 : 1);
      };
      for (const [body, rows] of bodies) body.append(...(order === "none" ? rows : [...rows].sort(compare)));
    });
  });
}
