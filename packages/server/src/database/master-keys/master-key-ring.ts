import { Keyring } from 'latchkey'
import { StartupFailure } from '../../startup-failure.js'

/** The ring with a new random key in front, which seals from then on. Throws `command_refused` for an ID that cannot be. */
export function withNewKey(masterKeys: string | undefined, id: string): string {
  try {
    const newest = Keyring.generate(id)
    const ring = masterKeys === undefined ? newest : `${newest},${masterKeys}`
    Keyring.parse(ring)
    return ring
  } catch (error) {
    const hint = 'Choose an ID that the ring does not have, of up to 64 characters of A-Z a-z 0-9 . _ -'
    throw new StartupFailure('command_refused', `No key can be added as ${JSON.stringify(id)}.`, hint, error)
  }
}

/** The ring without one of its older keys. Throws `command_refused` when it has none of that ID, or when that is the newest. */
export function withoutKey(masterKeys: string, id: string): string {
  const entries = masterKeys.split(',').map((entry) => entry.trim())
  const kept = entries.filter((entry) => !entry.startsWith(`${id}:`))
  if (kept.length < entries.length && kept[0] === entries[0]) return kept.join(',')
  const hint = 'Give the ID of an older key. The newest one seals; add a newer one first.'
  throw new StartupFailure('command_refused', `The ring has no older key ${JSON.stringify(id)}.`, hint)
}
