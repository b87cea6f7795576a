import { answer, api } from '../../api/client.js'
import type { paths } from '../../api/schema.js'

/** The progress of a rotation of all secrets. */
export type RotationStatus =
  paths['/v1/admin/rotations']['get']['responses'][200]['content']['application/json']['rotations'][number]

/** Returns the progress of the last rotation; `null` if there was none. */
export async function readRotation(signal: AbortSignal): Promise<RotationStatus | null> {
  const { rotations } = await answer(api.GET('/v1/admin/rotations', { signal }))
  return rotations[0] ?? null
}

/** Returns whether the rotation goes on by itself. */
export function isRunning({ state }: RotationStatus): boolean {
  return state === 'rotating' || state === 'waiting'
}

/** Returns whether the rotation is neither done nor stopped, so that another one cannot start. */
export function isOpen(status: RotationStatus): boolean {
  return isRunning(status) || status.state === 'paused'
}

/** Returns the number of accounts and clients that kept their secret because of an error. */
export function failuresIn({ failed }: RotationStatus): number {
  return Object.values(failed).reduce((sum, count) => sum + count, 0)
}
