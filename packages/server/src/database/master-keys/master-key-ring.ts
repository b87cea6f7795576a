import { Keyring } from 'latchkey'
import { StartupFailure } from '../../startup-failure.js'

/** The ring with a new random key at its end: it opens, and does not seal yet. Throws `command_refused` for an ID that cannot be. */
export function withNewKey(masterKeys: string | undefined, id: string): string {
  try {
    const added = Keyring.generate(id)
    const ring = masterKeys === undefined ? added : `${masterKeys},${added}`
    Keyring.parse(ring)
    return ring
  } catch (error) {
    const hint = 'Choose an ID that the ring does not have, of up to 64 characters of A-Z a-z 0-9 . _ -'
    throw new StartupFailure('command_refused', `No key can be added as ${JSON.stringify(id)}.`, hint, error)
  }
}

/** The ring with this key in front, which seals from then on. Throws `command_refused` when the ring does not have it. */
export function withNewestKey(masterKeys: string, id: string): string {
  const entries = entriesOf(masterKeys)
  const newest = entries.find((entry) => entry.startsWith(`${id}:`))
  if (newest !== undefined) return [newest, ...entries.filter((entry) => entry !== newest)].join(',')
  const hint = 'Add it first, and give that ring to every server before one of them seals with the key.'
  throw new StartupFailure('command_refused', `The ring has no key ${JSON.stringify(id)}.`, hint)
}

/** The ring without one of its older keys. Throws `command_refused` when it has none of that ID, or when that is the newest. */
export function withoutKey(masterKeys: string, id: string): string {
  const entries = entriesOf(masterKeys)
  const kept = entries.filter((entry) => !entry.startsWith(`${id}:`))
  if (kept.length < entries.length && kept[0] === entries[0]) return kept.join(',')
  const hint = 'Give the ID of an older key. The newest one seals; promote another one first.'
  throw new StartupFailure('command_refused', `The ring has no older key ${JSON.stringify(id)}.`, hint)
}

/** The IDs of the ring's keys, newest first. */
export function idsOf(masterKeys: string): readonly string[] {
  return entriesOf(masterKeys).map((entry) => entry.split(':', 1)[0] ?? '')
}

function entriesOf(masterKeys: string): readonly string[] {
  return masterKeys.split(',').map((entry) => entry.trim())
}
