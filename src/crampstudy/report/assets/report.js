// Tables are sorted by a click on a heading or Enter on it, each group by itself: up, down, and as it was.
for (const table of document.querySelectorAll("main table")) {
  const heads = [...table.tHead.rows[0].cells];
  const bodies = [...table.tBodies].map(body => [body, [...body.rows].filter(row => !row.classList.contains("group"))]);
  if (!bodies.some(([, rows]) => rows.length > 1)) continue;
  const isSummary = row => row.classList.contains("summary");
  const raised = text => [...text].map(sign => "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079".indexOf(sign)).join("");
  const number = text => {
    const plain = text.replace(/\u2212/g, "-").replace(/,/g, "").replace(/\u221e/g, "Infinity")
      .replace(/(?:(\d+(?:\.\d+)?) \u00d7 )?10\u207b([\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+)/g, (_, digits, power) => `${digits || 1}e-${raised(power)}`);
    const found = plain.match(/([<>\u2039\u203a]?)\s?(-?(?:\d+(?:\.\d+)?(?:e-?\d+)?|Infinity))/);
    if (!found) return NaN;
    // What is below a bound stands before it, what is above one behind it.
    const shift = { "<": 1 - 1e-9, "\u2039": 1 - 1e-9, ">": 1 + 1e-9, "\u203a": 1 + 1e-9 }[found[1]] || 1;
    return shift * parseFloat(found[2]);
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
        if (!numeric) return sign * a.localeCompare(b, "en", { numeric: true });
        if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
        return a === b ? 0 : sign * (a < b ? -1 : 1);
      };
      // What sums up others stays below them.
      const sorted = rows => [...rows].sort((one, other) => isSummary(one) - isSummary(other) || compare(one, other));
      for (const [body, rows] of bodies) body.append(...(order === "none" ? rows : sorted(rows)));
    });
  });
}
