/** A name in `SCHEMAS`. */
export type SchemaName = string;

/** What is answered with one status. */
export interface Answer {
  readonly description: string;
  /** Of a JSON body. */
  readonly schema?: SchemaName;
}

/** One method of one path. */
export interface Operation {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** As OpenAPI writes it: `/connectors/{name}`. */
  readonly path: string;
  readonly summary: string;
  /** Parameters of the query, with what they say. */
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: SchemaName;
  /** By status. Every error has the schema `Error`. */
  readonly answers: Readonly<Record<number, Answer | string>>;
}
