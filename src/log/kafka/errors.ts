import {
  describeError,
  OperatorError,
  OversizeError,
  PositionLostError,
  RefusedError,
  TransientError,
  UnknownOutcomeError,
} from '../../errors.ts';

/** Kafka's error codes that the log tells apart. @see https://kafka.apache.org/protocol#protocol_error_codes */
export const ErrorCode = {
  none: 0,
  offsetOutOfRange: 1,
  unknownTopicOrPartition: 3,
  requestTimedOut: 7,
  topicAlreadyExists: 36,
  notController: 41,
} as const;

interface KnownError {
  readonly name: string;
  /** Who acts; `leader` passes as soon as the partition's leader is looked up again, `fenced`: another owner has it. */
  readonly kind: 'leader' | 'transient' | 'operator' | 'fenced' | 'lost' | 'oversize';
  readonly text: string;
  readonly advice?: string;
}

const GRANT =
  'Grant the principal that Rowcast uses the ACLs that docs list for its topics, then start the task again.';
const SASL = 'Check security.protocol, sasl.mechanism and the credentials of the daemon.';
const AVAILABILITY = "Look at the brokers' state; the task starts again by itself.";

const KNOWN: Readonly<Record<number, KnownError>> = {
  1: lost('OFFSET_OUT_OF_RANGE', 'has no record at this offset', 'Raise retention.ms, and copy everything again.'),
  2: transient('CORRUPT_MESSAGE', 'got a record batch with a wrong checksum'),
  3: transient('UNKNOWN_TOPIC_OR_PARTITION', 'does not exist on the broker that should have it'),
  5: leader('LEADER_NOT_AVAILABLE', 'has no leader'),
  6: leader('NOT_LEADER_OR_FOLLOWER', 'has another leader'),
  7: transient('REQUEST_TIMED_OUT', 'was not stored by all in-sync replicas in time', AVAILABILITY),
  8: transient('BROKER_NOT_AVAILABLE', 'has no broker that answers'),
  9: leader('REPLICA_NOT_AVAILABLE', 'is not available on this broker'),
  10: oversize(
    'MESSAGE_TOO_LARGE',
    'refuses a record batch that is too large',
    'Raise max.message.bytes of the topic.',
  ),
  13: transient('NETWORK_EXCEPTION', 'was not answered for: the broker lost the connection'),
  14: transient('COORDINATOR_LOAD_IN_PROGRESS', 'has a coordinator that is not ready'),
  15: transient('COORDINATOR_NOT_AVAILABLE', 'has no coordinator'),
  16: transient('NOT_COORDINATOR', 'has another coordinator'),
  17: operator('INVALID_TOPIC_EXCEPTION', 'has a name that Kafka does not allow', 'Choose another topic.prefix.'),
  18: oversize('RECORD_LIST_TOO_LARGE', 'refuses a batch that is larger than its segments', 'Raise segment.bytes.'),
  19: transient('NOT_ENOUGH_REPLICAS', 'has fewer in-sync replicas than min.insync.replicas', AVAILABILITY),
  20: transient(
    'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
    'was stored by fewer replicas than min.insync.replicas',
    AVAILABILITY,
  ),
  22: transient('ILLEGAL_GENERATION', 'was asked for by a member of an earlier generation'),
  25: transient('UNKNOWN_MEMBER_ID', 'was asked for by a member that the group has forgotten'),
  27: transient('REBALANCE_IN_PROGRESS', 'is being shared out anew'),
  29: operator('TOPIC_AUTHORIZATION_FAILED', 'may not be used by this principal', GRANT),
  30: operator('GROUP_AUTHORIZATION_FAILED', 'belongs to a group that this principal may not use', GRANT),
  31: operator('CLUSTER_AUTHORIZATION_FAILED', 'needs rights on the cluster that this principal lacks', GRANT),
  32: transient(
    'INVALID_TIMESTAMP',
    'refuses the time that is written into its records',
    "Compare the clocks of this machine and the brokers; or set the topic's message.timestamp.type to LogAppendTime.",
  ),
  33: operator('UNSUPPORTED_SASL_MECHANISM', 'is on a broker that does not know the sasl.mechanism', SASL),
  34: operator('ILLEGAL_SASL_STATE', 'was asked for before the login had ended', SASL),
  35: operator(
    'UNSUPPORTED_VERSION',
    'was asked for in a version that the broker does not know',
    'Use Kafka 3.1 or newer.',
  ),
  37: operator('INVALID_PARTITIONS', 'has an invalid number of partitions'),
  38: operator(
    'INVALID_REPLICATION_FACTOR',
    'wants more replicas than there are brokers',
    'Lower the replication factor.',
  ),
  40: operator(
    'INVALID_CONFIG',
    'has a setting that the broker refuses',
    'Correct the topic settings of the connector.',
  ),
  41: leader('NOT_CONTROLLER', 'was sent to a broker that is not the controller'),
  44: operator('POLICY_VIOLATION', "is against the cluster's policy", 'Create the topic as the policy wants it.'),
  47: fenced('INVALID_PRODUCER_EPOCH', 'has a newer writer'),
  51: transient('CONCURRENT_TRANSACTIONS', 'has a transaction that is still ending'),
  53: operator('TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'may not be written to in a transaction', GRANT),
  54: operator('SECURITY_DISABLED', 'is on a broker that has no authorizer', 'Take security settings out.'),
  56: leader('KAFKA_STORAGE_ERROR', 'cannot be read from or written to disk', AVAILABILITY),
  58: operator('SASL_AUTHENTICATION_FAILED', 'is on a broker that refused the credentials', SASL),
  74: leader('FENCED_LEADER_EPOCH', 'has a newer leader'),
  75: leader('UNKNOWN_LEADER_EPOCH', 'has a leader that this broker does not know yet'),
  76: operator('UNSUPPORTED_COMPRESSION_TYPE', 'does not take this compression', 'Choose another compression.type.'),
  78: leader('OFFSET_NOT_AVAILABLE', 'has a new leader that is not ready'),
  87: operator('INVALID_RECORD', 'refuses a record', 'Compacted topics take records with a key only.'),
  89: transient('THROTTLING_QUOTA_EXCEEDED', 'is over a quota'),
  90: fenced('PRODUCER_FENCED', 'has a newer writer'),
  100: leader('UNKNOWN_TOPIC_ID', 'was created again'),
};

function leader(name: string, text: string, advice?: string): KnownError {
  return { name, kind: 'leader', text, ...(advice && { advice }) };
}

function transient(name: string, text: string, advice?: string): KnownError {
  return { name, kind: 'transient', text, ...(advice && { advice }) };
}

function operator(name: string, text: string, advice?: string): KnownError {
  return { name, kind: 'operator', text, ...(advice && { advice }) };
}

function oversize(name: string, text: string, advice: string): KnownError {
  return { name, kind: 'oversize', text, advice };
}

function lost(name: string, text: string, advice: string): KnownError {
  return { name, kind: 'lost', text, advice };
}

/** Not an end: whoever is fenced waits, and goes on where the other one stops (PROTOCOL, V7). */
function fenced(name: string, text: string): KnownError {
  return { name, kind: 'fenced', text, advice: 'Another process writes for this connector: stop one of them.' };
}

const KINDS = {
  leader: TransientError,
  transient: TransientError,
  operator: OperatorError,
  fenced: RefusedError,
  lost: PositionLostError,
  oversize: OversizeError,
} as const;

/** True for codes that pass when the leader (or controller) is looked up again. */
export function isLeaderError(code: number): boolean {
  return KNOWN[code]?.kind === 'leader';
}

/**
 * The error for a code that a broker answered about `subject` ('Partition 0 of topic "orders"'). Codes that nobody knows are
 * transient: nothing says that a person must act.
 */
export function brokerError(
  code: number,
  subject: string,
  detail: string | null = null,
): TransientError | OperatorError {
  const known = KNOWN[code];
  const text = known === undefined ? `got Kafka's error ${code}` : `${known.text} (${known.name})`;
  const options = known?.advice === undefined ? {} : { advice: known.advice };
  const message = `${subject} ${text}${detail === null ? '' : `: ${detail}`}`;
  return new KINDS[known?.kind ?? 'transient'](message, options);
}

export function partitionName(topic: string, partition: number): string {
  return `Partition ${partition} of topic "${topic}"`;
}

const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|ALTNAME/;
const AUTHENTICATION = new Set(['SASL_AUTHENTICATION_FAILED', 'UNSUPPORTED_SASL_MECHANISM']);

/** Translates what kafkajs or a socket threw while talking to the broker at `address`. */
export function connectionError(error: unknown, address: string): Error {
  if (error instanceof TransientError || error instanceof OperatorError) return error;
  const { name, code, type } = Object(error) as { name?: string; code?: unknown; type?: string };
  if (name === 'KafkaJSSASLAuthenticationError' || (type !== undefined && AUTHENTICATION.has(type))) {
    return new OperatorError(`Kafka at ${address} refused the credentials`, {
      cause: error,
      advice: 'Check sasl.mechanism, sasl.jaas.config and that the user exists.',
    });
  }
  if (typeof code === 'string' && CERTIFICATE.test(code)) {
    return new OperatorError(`Kafka at ${address} has a certificate that is not trusted`, {
      cause: error,
      advice: 'Check ssl.truststore and that the name in bootstrap.servers stands in the certificate.',
    });
  }
  return new TransientError(`Kafka at ${address} could not be reached or did not answer`, {
    cause: error,
    advice: 'Check that the broker runs, and that what its advertised.listeners say can be reached from here.',
  });
}

/** After this nobody knows whether the records were stored (PROTOCOL, source 3); an OperatorError stays what it is. */
export function unknownOutcome(error: unknown): Error {
  if (error instanceof OperatorError) return error;
  return new UnknownOutcomeError(`The outcome of a write to Kafka is unknown: ${describeError(error)}`, {
    cause: error,
  });
}
