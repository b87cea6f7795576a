import { Keyring } from 'latchkey'
import { StartupFailure } from '../../startup-failure.js'

/**
 * Returns the ring with a new random key at its end, which opens but does not seal. Throws
 * `command_refused` if the ID is malformed or taken.
 */
export function withNewKey(masterKeys: string | undefined, id: string): string {
  try {
    const added = Keyring.generate(id)
    const ring = masterKeys === undefined ? added : `${masterKeys},${added}`
    Keyring.parse(ring)
    return ring
  } catch (error) {
    const hint = 'Choose an ID that is not in the ring, with up to 64 characters of A-Z a-z 0-9 . _ -'
    throw new StartupFailure('command_refused', `No key can be added as ${JSON.stringify(id)}.`, hint, error)
  }
}

/**
 * Returns the ring with this key first, which seals from then on. Throws `command_refused` if the
 * ring does not contain it.
 */
export function withNewestKey(masterKeys: string, id: string): string {
  const entries = entriesOf(masterKeys)
  const newest = entries.find((entry) => entry.startsWith(`${id}:`))
  if (newest !== undefined) return [newest, ...entries.filter((entry) => entry !== newest)].join(',')
  const hint = 'Add the key first, and configure that ring in every server before one of them seals with the key.'
  throw new StartupFailure('command_refused', `The ring has no key ${JSON.stringify(id)}.`, hint)
}

/**
 * Returns the ring without one of its older keys. Throws `command_refused` if it has no key with
 * this ID, or if the key is the newest one.
 */
export function withoutKey(masterKeys: string, id: string): string {
  const entries = entriesOf(masterKeys)
  const kept = entries.filter((entry) => !entry.startsWith(`${id}:`))
  if (kept.length < entries.length && kept[0] === entries[0]) return kept.join(',')
  const hint = 'Use the ID of an older key. The newest key seals; promote another one first.'
  throw new StartupFailure('command_refused', `The ring has no older key ${JSON.stringify(id)}.`, hint)
}

/** Returns the IDs of the keys in the ring, newest first. */
export function idsOf(masterKeys: string): readonly string[] {
  return entriesOf(masterKeys).map((entry) => entry.split(':', 1)[0] ?? '')
}

function entriesOf(masterKeys: string): readonly string[] {
  return masterKeys.split(',').map((entry) => entry.trim())
}
