/** What was opened so far, to be closed in the opposite order. */
export class Opened implements AsyncDisposable {
  readonly #resources: AsyncDisposable[] = [];

  /** Takes a resource over and returns it. */
  add<T extends AsyncDisposable>(resource: T): T {
    this.#resources.push(resource);
    return resource;
  }

  /** Closes everything, also when something cannot be closed; throws the first failure at the end. */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (const resource of this.#resources.splice(0).reverse()) {
      try {
        await resource[Symbol.asyncDispose]();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
