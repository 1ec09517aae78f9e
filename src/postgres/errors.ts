import pg from 'pg';
import {
  OperatorError,
  PositionLostError,
  RecordError,
  ShortageError,
  TransientError,
  UncommittedError,
} from '../errors.ts';

type Kind = typeof TransientError | typeof ShortageError | typeof OperatorError | typeof RecordError;

interface Remedy {
  readonly kind: Kind;
  readonly advice?: string;
}

/**
 * What to do about an SQLSTATE: the first entry whose code begins the error's (a class is its first two characters). What is not here is for a
 * person: it is tried again slowly all the same.
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const REMEDIES: readonly (readonly [prefix: string, remedy: Remedy])[] = [
  [
    '08P01',
    { kind: OperatorError, advice: 'Connect to Postgres itself: poolers refuse startup options and replication.' },
  ],
  ['08', { kind: TransientError }],
  [
    '22021',
    {
      kind: RecordError,
      advice:
        'A text is not valid in the encoding of its database (SQL_ASCII lets everything in), or the other side cannot have it: correct it. When it was streamed, copy everything again (`rowcast offsets reset`).',
    },
  ],
  ['22', { kind: RecordError, advice: "Compare the column's type on both sides." }],
  ['23', { kind: RecordError, advice: 'Compare the constraints of the table on both sides.' }],
  ['25006', { kind: OperatorError, advice: 'Connect to the primary: this server is read-only.' }],
  ['25P03', { kind: TransientError }],
  ['25P04', { kind: TransientError, advice: 'The server sets transaction_timeout: raise it for this role.' }],
  ['28', { kind: OperatorError, advice: "Check user, password and the server's pg_hba.conf." }],
  ['3D000', { kind: OperatorError, advice: "Check the database's name." }],
  ['40', { kind: TransientError }],
  ['44', { kind: RecordError, advice: 'Compare the check option of the view on both sides.' }],
  [
    '42501',
    {
      kind: OperatorError,
      advice: 'Grant the connecting role what the message names; `rowcast check` prints the statements.',
    },
  ],
  ['42', { kind: OperatorError, advice: 'Check that the named object exists and has the expected shape.' }],
  [
    '53300',
    {
      kind: TransientError,
      advice: 'Raise max_connections, or the connection limit that the message names, or close idle connections.',
    },
  ],
  ['53400', { kind: OperatorError, advice: 'Raise max_replication_slots or max_wal_senders, or drop unused slots.' }],
  ['53', { kind: ShortageError, advice: 'Free disk space or memory on the database server.' }],
  [
    '54',
    { kind: OperatorError, advice: 'A limit of the server is exceeded: leave the column or index out that it names.' },
  ],
  ['55006', { kind: TransientError, advice: 'Another session uses the object; it is tried again.' }],
  ['55P03', { kind: TransientError }],
  [
    '55P04',
    {
      kind: UncommittedError,
      advice:
        'Add the label to the enum by hand on the target (alter type … add value …), then start the connector again.',
    },
  ],
  [
    '55',
    {
      kind: OperatorError,
      advice: 'See the message; for a lost slot, take a new snapshot. Needed: wal_level = logical.',
    },
  ],
  ['57', { kind: TransientError }],
  ['58030', { kind: ShortageError, advice: 'Look at the disks of the database server, and at its log.' }],
  ['58', { kind: TransientError, advice: "Look at the database server's log." }],
  ['0A', { kind: OperatorError, advice: 'This server does not support what is asked for.' }],
  ['72', { kind: TransientError }],
  ['P0', { kind: OperatorError, advice: 'A trigger or function of the server raised it: look at what it refuses.' }],
  ['XX001', { kind: OperatorError, advice: 'A table of the server is damaged: look at its log.' }],
  ['XX002', { kind: OperatorError, advice: 'An index of the server is damaged: look at its log, and rebuild it.' }],
];

const NETWORK = /^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|EAI_|ENOTFOUND|EADDRNOTAVAIL|ESOCKET)/;
/** This process, or its whole system, may not open another socket. */
const NO_DESCRIPTOR = /^E[MN]FILE$/;
const LOST =
  /connection (was )?(terminated|ended|closed)|connection error|timeout expired|timeout exceeded|client was closed/i;
const NOT_POSTGRES =
  /error establishing an SSL connection|Unknown authenticationOk message type|received invalid response/i;
const CERTIFICATE = /CERT|ERR_TLS|ERR_SSL|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/;

/** XX000: concurrent DDL took away what a query of the catalog had listed. */
const OVERTAKEN = /could not open relation with OID/;
const MAX_ATTEMPTS = 5;

/** What an SQLSTATE is too coarse for: the server's own words decide. */
const REMEDIES_BY_MESSAGE: readonly (readonly [message: RegExp, remedy: Remedy])[] = [
  [OVERTAKEN, { kind: TransientError }],
  [
    /can no longer (get changes from|access) replication slot|requested WAL segment .* has already been removed/,
    {
      kind: PositionLostError,
      advice:
        'The server has removed WAL that was needed: raise max_slot_wal_keep_size, and copy everything again (`rowcast offsets reset`).',
    },
  ],
  [
    /cannot use replication slot .* for logical decoding/,
    {
      kind: TransientError,
      advice:
        'The server is a standby that only keeps the slot in step: connect to the primary, or promote this server; it is looked at again.',
    },
  ],
  [
    /WAL sender connections|max_wal_senders/,
    {
      kind: TransientError,
      advice: 'Raise max_wal_senders (the server must be restarted), or end other replication connections.',
    },
  ],
  [
    /permission denied to (start WAL sender|use replication slots)|must be superuser or replication role/,
    { kind: OperatorError, advice: 'Run as a superuser: alter role … replication; for the role that connects.' },
  ],
  [
    /requires "?wal_level"? >= "?logical"?/,
    { kind: OperatorError, advice: "Run alter system set wal_level = 'logical'; and restart the server." },
  ],
];

/** Runs a query of the catalog again that concurrent DDL has overtaken. */
export async function beyondDdl<T>(query: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await query();
    } catch (error) {
      if (!(error instanceof pg.DatabaseError && OVERTAKEN.test(error.message)) || attempt === MAX_ATTEMPTS)
        throw error;
    }
  }
}

/** The SQLSTATE of an error of Postgres, or of one that `postgresError` made of it. */
export function sqlState(error: unknown): string | undefined {
  for (let e = error; e instanceof Error; e = e.cause) {
    if (e instanceof pg.DatabaseError || e instanceof SqlStateError) return e.code;
  }
  return undefined;
}

/**
 * Translates what `pg` throws into the kind of failure that says who acts. `doing` begins the message: 'Cannot create slot "x"'.
 * Errors that are ours, aborts and bugs come back as they are. Rows' values never pass: details and the messages of
 * data errors hold them (Invariant 11).
 */
export function postgresError(error: unknown, doing: string): Error {
  if (!(error instanceof Error)) return new Error(`${doing}: ${String(error)}`);
  if (NOT_POSTGRES.test(error.message)) {
    return new TransientError(`${doing}: what answers there does not speak Postgres's protocol`, {
      cause: error,
      advice: 'Check that this host and port are those of Postgres.',
    });
  }
  if (error instanceof pg.DatabaseError) return databaseError(error, doing);
  if (error instanceof TransientError || error instanceof OperatorError || error instanceof RecordError) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (CERTIFICATE.test(code)) {
    return new OperatorError(`${doing}: the server's certificate is not trusted (${code})`, {
      cause: error,
      advice: 'Set sslrootcert to the certificate authority, and the host name that the certificate names.',
    });
  }
  if (/does not support SSL/i.test(error.message)) {
    return new OperatorError(`${doing}: the server offers no TLS`, {
      cause: error,
      advice: 'Set sslmode, or enable TLS on the server.',
    });
  }
  if (error.message.startsWith('SASL: ')) return scramError(error, doing);
  if (NO_DESCRIPTOR.test(code)) {
    return new TransientError(`${doing}: too many files are open here (${code})`, {
      cause: error,
      advice: 'Raise the limit of open files where Rowcast runs (ulimit -n, LimitNOFILE of systemd).',
    });
  }
  if (NETWORK.test(code)) {
    const advice = /ENOTFOUND|EAI_/.test(code)
      ? 'Check the host name, and that it can be resolved from here.'
      : 'Check that the server runs and listens at this host and port, and that no firewall is between.';
    return new TransientError(`${doing}: no connection (${code})`, { cause: plain(error), advice });
  }
  if (LOST.test(error.message)) return new TransientError(`${doing}: the connection was lost`, { cause: error });
  return error;
}

/** What node-postgres says of SCRAM's messages: of the ones that came, and of a password that is not there. */
function scramError(cause: Error, doing: string): OperatorError {
  if (cause.message.includes('client password must be')) {
    const advice = 'Set the password of the role, or let it in by its certificate in pg_hba.conf.';
    return new OperatorError(`${doing}: the server asks for a password, and there is none`, { cause, advice });
  }
  const advice =
    'Check that this host and port are those of the server, and that nothing in between takes part in the login.';
  return new OperatorError(`${doing}: the server does not log in as SCRAM has it`, { cause, advice });
}

function databaseError(error: pg.DatabaseError, doing: string): Error {
  const code = error.code ?? 'XX000';
  const cause = new SqlStateError(error, code);
  const remedy = REMEDIES_BY_MESSAGE.find(([message]) => message.test(error.message))?.[1] ??
    REMEDIES.find(([prefix]) => code.startsWith(prefix))?.[1] ?? { kind: OperatorError };
  const options = remedy.advice === undefined ? { cause } : { cause, advice: remedy.advice };
  return new remedy.kind(doing, options);
}

/** What may be told of an error of Postgres. */
class SqlStateError extends Error {
  readonly code: string;

  constructor(error: pg.DatabaseError, code: string) {
    const places = [`SQLSTATE ${code}`];
    if (error.table) places.push(`table ${error.schema ?? ''}.${error.table}`);
    if (error.column) places.push(`column ${error.column}`);
    if (error.constraint) places.push(`constraint ${error.constraint}`);
    const text = holdsValues(code) ? 'the message is withheld, it may hold values' : error.message;
    super(`${text} (${places.join(', ')})`);
    this.name = 'SqlStateError';
    this.code = code;
  }
}

/** Constraint violations name objects only (values are in the detail). Data exceptions quote the value, syntax errors the statement, and functions of the user whatever they like. */
function holdsValues(code: string): boolean {
  return code === '42601' || /^(22|44|P0|2F|38|39)/.test(code);
}

/** Node reports the attempts at several addresses as one error without a message. */
function plain(error: Error): Error {
  return error instanceof AggregateError && error.message === '' && error.errors[0] instanceof Error
    ? error.errors[0]
    : error;
}
