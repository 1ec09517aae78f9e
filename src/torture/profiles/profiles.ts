import type { CaptureName } from '../names.ts';
import type { CaptureProfile } from '../profile.ts';
import { queryProfile } from './query.ts';
import { triggerProfile } from './trigger.ts';
import { walProfile } from './wal.ts';

/** Every way to capture. */
export const PROFILES: Readonly<Record<CaptureName, CaptureProfile>> = {
  wal: walProfile,
  query: queryProfile,
  trigger: triggerProfile,
};
