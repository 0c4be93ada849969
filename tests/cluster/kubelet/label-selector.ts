/**
 * Whether labels match a selector in its text form: `a=b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a`,
 * `!a`, joined by commas.
 */
export function matchesSelector(
  labels: Readonly<Record<string, string>>,
  selector: string,
): boolean {
  const terms = selector.split(/,(?![^(]*\))/).map((term) => term.trim());
  return terms.filter((term) => term !== "").every((term) => matchesTerm(labels, term));
}

function matchesTerm(labels: Readonly<Record<string, string>>, term: string): boolean {
  const set = /^(\S+)\s+(in|notin)\s+\((.*)\)$/.exec(term);
  if (set !== null) {
    const [, name = "", operator, list = ""] = set;
    const values = list.split(",").map((value) => value.trim());
    const isIn = values.includes(labels[name] ?? "\0");
    return operator === "in" ? isIn : !isIn;
  }
  const equality = /^([^=!]+?)\s*(!=|==?)\s*(.*)$/.exec(term);
  if (equality !== null) {
    const [, name = "", operator, value] = equality;
    return (labels[name] === value) !== (operator === "!=");
  }
  return term.startsWith("!") ? labels[term.slice(1)] === undefined : labels[term] !== undefined;
}
