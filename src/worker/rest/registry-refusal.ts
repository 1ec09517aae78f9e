import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import {
  IncompatibleSchema,
  InvalidSchema,
  type UndeletableReason,
  UndeletableVersion,
} from '../../converter/registry/registry.ts';
import { OperatorError, TransientError } from '../../errors.ts';
import { registryAnswer } from './registry-answer.ts';

/** Confluent's error codes: the HTTP status and two digits. */
export const RegistryCode = {
  subjectNotFound: 40401,
  versionNotFound: 40402,
  schemaNotFound: 40403,
  subjectDeleted: 40404,
  subjectNotDeleted: 40405,
  versionDeleted: 40406,
  versionNotDeleted: 40407,
  levelNotConfigured: 40408,
  modeNotConfigured: 40409,
  associationNotFound: 40410,
  incompatible: 409,
  invalidSchema: 42201,
  invalidVersion: 42202,
  invalidLevel: 42203,
  invalidMode: 42204,
  notPermitted: 42205,
  invalidSubject: 42208,
  storeFailed: 50001,
  timedOut: 50002,
  badRequest: 400,
  wrongMediaType: 415,
} as const;
export type RegistryCode = (typeof RegistryCode)[keyof typeof RegistryCode];

/** An answer other than the one asked for; its status is the beginning of its code. */
export class RegistryRefusal extends Error {
  readonly code: RegistryCode;

  constructor(code: RegistryCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** What the registry throws, as `{error_code, message}`. A bug is thrown on, to whoever logs it. */
export function refuse(error: Error, c: Context): Response {
  const refusal = refusalOf(error);
  if (refusal === undefined) throw error;
  const { code, message } = refusal;
  const status = Number(String(code).slice(0, 3)) as ContentfulStatusCode;
  return registryAnswer(c, { error_code: code, message }, status);
}

function refusalOf(error: Error): { readonly code: RegistryCode; readonly message: string } | undefined {
  if (error instanceof RegistryRefusal) return error;
  if (error.name === 'TimeoutError') return { code: RegistryCode.timedOut, message: 'The log did not answer in time' };
  const message = worded(error);
  if (error instanceof InvalidSchema) return { code: RegistryCode.invalidSchema, message };
  if (error instanceof IncompatibleSchema) return { code: RegistryCode.incompatible, message };
  if (error instanceof UndeletableVersion) return { code: undeletable(error), message };
  if (error instanceof OperatorError || error instanceof TransientError)
    return { code: RegistryCode.storeFailed, message };
  return undefined;
}

function worded(error: Error): string {
  const advice = 'advice' in error && typeof error.advice === 'string' ? `. ${error.advice}` : '';
  return `${error.message}${advice}`;
}

const OF_SUBJECT: Readonly<Record<UndeletableReason, RegistryCode>> = {
  'no subject': RegistryCode.subjectNotFound,
  'no version': RegistryCode.versionNotFound,
  'deleted before': RegistryCode.subjectDeleted,
  'not deleted first': RegistryCode.subjectNotDeleted,
};

function undeletable({ reason, version }: UndeletableVersion): RegistryCode {
  if (version === undefined) return OF_SUBJECT[reason];
  if (reason === 'deleted before') return RegistryCode.versionDeleted;
  return reason === 'not deleted first' ? RegistryCode.versionNotDeleted : OF_SUBJECT[reason];
}
