/** How to reach a Postgres database; what both `database.*` (sources) and `connection.url` (sinks) come down to. */
export interface ConnectionSettings {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** Never printed (Invariant 11). */
  readonly password?: string;
  readonly sslmode: 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';
  readonly sslrootcert?: string;
  readonly sslcert?: string;
  readonly sslkey?: string;
}
