type Attributes = Readonly<Record<string, string | boolean>>;
type Child = Node | string;

/** Makes an element; text is put in as text, whatever it holds. An attribute that is false is left out. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== false) made.setAttribute(key, value === true ? '' : value);
  }
  made.append(...children);
  return made;
}

/** The element of index.html with this id. */
export function byId<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`The page has no element ${id}`);
  return found as Kind;
}

/** Writes text where it differs, so that screen readers do not hear what has not changed. */
export function tell(where: HTMLElement, text: string): void {
  if (where.textContent !== text) where.textContent = text;
}
