/** A change of connectors that REST asks for and that is not made; the message is for whoever asks, in Connect's words where it has them. */
export class RefusedChange extends Error {
  /** As HTTP has it: 400 a mistake, 403 not here, 404 no such connector, 409 it exists already, 500 it cannot be done. */
  readonly status: 400 | 403 | 404 | 409 | 500;

  constructor(status: RefusedChange['status'], message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.name = 'RefusedChange';
    this.status = status;
  }
}
