// JSON as it is edited: numbers stay as they were written, also those that JavaScript can't hold.

/** What a JSON text stands for. Numbers that would change are kept as `JSON.rawJSON`, where the
 *  browser knows that. Throws what JSON.parse throws. */
export function parseJson(text) {
  return JSON.parse(text, (name, value, context) =>
    typeof value === "number" && context?.source !== undefined && JSON.rawJSON && String(value) !== context.source
      ? JSON.rawJSON(context.source) : value);
}

/** The same as a text to be read. */
export function jsonText(value) {
  return JSON.stringify(value, null, 2) ?? "null";
}

/** null, boolean, number, string, array or object. */
export function jsonType(value) {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return "array";
  if (JSON.isRawJSON?.(value)) return "number";
  return typeof value;
}

/** A number as it is written. */
export function numberText(value) {
  return JSON.isRawJSON?.(value) ? value.rawJSON : String(value);
}

/** A place in an event, one step further: as the Python side writes it (`rules/places.py`). */
export function inside(path, step) {
  if (typeof step === "number") return `${path}[${step}]`;
  return /^[A-Za-z_$][\p{L}\p{N}_$-]*$/u.test(step) ? `${path}.${step}` : `${path}[${JSON.stringify(step)}]`;
}

/** All places in a value, for a list to choose from. */
export function places(value, path = "$", found = []) {
  if (found.length >= 200) return found;
  const type = jsonType(value);
  if (type === "object") for (const [name, each] of Object.entries(value)) places(each, inside(path, name), found);
  else if (type === "array") value.forEach((each, index) => places(each, inside(path, index), found));
  else found.push(path);
  return found;
}
