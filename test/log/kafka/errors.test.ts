import { describe, expect, test } from 'vitest';
import {
  OperatorError,
  OversizeError,
  PositionLostError,
  RefusedError,
  TransientError,
  UnknownOutcomeError,
} from '../../../src/errors.ts';
import { brokerError, connectionError, isLeaderError, unknownOutcome } from '../../../src/log/kafka/errors.ts';

/** What becomes of the codes of brokers, row by row. */
const CLASSES: readonly (readonly [kind: typeof TransientError, codes: readonly number[]])[] = [
  // Looked up again, or waited for.
  [TransientError, [5, 6, 9, 41, 56, 74, 75, 78, 100]],
  [TransientError, [-1, 2, 3, 7, 8, 13, 14, 15, 16, 19, 20, 22, 25, 27, 51, 89, 4711]],
  // Another writer; whoever is fenced waits.
  [RefusedError, [47, 90]],
  // Access, login, settings.
  [OperatorError, [17, 29, 30, 31, 33, 34, 35, 37, 38, 40, 44, 53, 54, 58, 76, 87]],
  [OversizeError, [10, 18]],
  [PositionLostError, [1]],
];

describe('an error of a broker', () => {
  test.each(CLASSES.flatMap(([kind, codes]) => codes.map((code) => [code, kind] as const)))(
    'code %i is a %o',
    (code, kind) => {
      expect(brokerError(code, 'Topic "t"').constructor).toBe(kind);
    },
  );

  test('is looked up again where the leader or controller may have moved, and only there', () => {
    expect([5, 6, 9, 41, 56, 74, 75, 78, 100].filter((code) => !isLeaderError(code))).toEqual([]);
    expect([1, 2, 3, 7, 10, 19, 29, 47, 90].filter(isLeaderError)).toEqual([]);
  });

  test('names what it is about, the code and what the broker said', () => {
    expect(brokerError(29, 'Topic "t"', 'not you').message).toBe(
      'Topic "t" may not be used by this principal (TOPIC_AUTHORIZATION_FAILED): not you',
    );
    expect(brokerError(4711, 'Topic "t"').message).toBe('Topic "t" got Kafka\'s error 4711');
  });
});

describe('an error of a connection', () => {
  test('is for a person when credentials or certificates are refused', () => {
    const refused = [
      { name: 'KafkaJSSASLAuthenticationError' },
      { name: 'KafkaJSProtocolError', type: 'SASL_AUTHENTICATION_FAILED' },
      { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
      { code: 'CERT_HAS_EXPIRED' },
      { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
      { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
    ];
    for (const fields of refused) {
      expect(connectionError(Object.assign(new Error('no'), fields), 'b:1')).toBeInstanceOf(OperatorError);
    }
  });

  test('is transient otherwise, and keeps its cause', () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    const error = connectionError(cause, 'b:1');
    expect(error).toBeInstanceOf(TransientError);
    expect(error.cause).toBe(cause);
  });
});

describe('an unknown outcome', () => {
  test('is transient, whatever it came from', () => {
    expect(unknownOutcome(new Error('anything'))).toBeInstanceOf(UnknownOutcomeError);
  });

  test("leaves a person's error as it is", () => {
    const error = new OperatorError('Not allowed');
    expect(unknownOutcome(error)).toBe(error);
  });
});
