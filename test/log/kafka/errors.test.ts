import { describe, expect, test } from 'vitest';
import { OperatorError, TransientError } from '../../../src/errors.ts';
import { brokerError, connectionError, unknownOutcome } from '../../../src/log/kafka/errors.ts';

describe('an error of a broker', () => {
  test('is for a person when time does not heal it', () => {
    for (const code of [1, 10, 17, 18, 29, 31, 35, 37, 38, 40, 44, 87]) {
      expect(brokerError(code, 'Topic "t"')).toBeInstanceOf(OperatorError);
    }
  });

  test('is transient when it may pass, or when nobody knows it', () => {
    for (const code of [-1, 2, 3, 5, 6, 7, 19, 20, 41, 56, 78, 4711]) {
      expect(brokerError(code, 'Topic "t"')).toBeInstanceOf(TransientError);
    }
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
    expect(unknownOutcome(new Error('anything'))).toBeInstanceOf(TransientError);
  });

  test("leaves a person's error as it is", () => {
    const error = new OperatorError('Not allowed');
    expect(unknownOutcome(error)).toBe(error);
  });
});
