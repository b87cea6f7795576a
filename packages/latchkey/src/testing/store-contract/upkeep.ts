import { deepEqual, equal, ok } from 'node:assert/strict'
import { KEYS_CHANGED, type Resealer, type SealedSetting, type TenantState } from '../../secrets/ports.js'
import type { ContractTests } from './contract.js'
import { addSecret, keyPairOf, put, range, read, secretOf, settingOf, someTime, stateOf } from './fixtures.js'
import { Recorder } from './recorder.js'

/** Marks the values that it seals, so that a test can see the row they came from. */
const toKey2: Resealer = {
  secret: (tenant, { kid, sealed }) => ({ masterKeyId: 'key-2', sealed: `${tenant}.${kid}.${sealed}` }),
  grants: (tenant, version, { sealed }) => ({ masterKeyId: 'key-2', sealed: `${tenant}.${version}.${sealed}` }),
  setting: ({ name, sealed }) => ({ name, masterKeyId: 'key-2', sealed: `${name}.${sealed}` }),
  keyPair: ({ kid, sealed }) => ({ masterKeyId: 'key-2', sealed: `${kid}.${sealed}` }),
}

export const upkeep: ContractTests = {
  async 'returns the same setting to all callers, also when many create it at once'({ store, other }) {
    const settings = await Promise.all(
      range(12).map((number) => (number % 2 === 0 ? store : other).setting('kid-key', () => settingOf('kid-key'))),
    )
    for (const setting of settings) deepEqual(setting, settings[0])
    deepEqual(await other.setting('kid-key', () => settingOf('kid-key')), settings[0])
    const another = settingOf('another')
    deepEqual(await store.setting('another', () => another), another)
  },

  async 'replaces the settings in one step, and reports the change on the feed'({ store, other }) {
    const before = await store.setting('a-key', () => settingOf('a-key'))
    await store.setting('gone-key', () => settingOf('gone-key'))
    const { recorder, feed } = await Recorder.on(other)
    const [changed, added] = [settingOf('a-key'), settingOf('next:a-key')]
    const replaced = await store.changeSettings((current) => {
      deepEqual(current.map(({ name }) => name).sort(), ['a-key', 'gone-key'])
      return [changed, added]
    })
    deepEqual(replaced, [changed, added])
    await recorder.until('it was reported', () => recorder.changes.some(({ tenant }) => tenant === KEYS_CHANGED))
    const byName = (settings: readonly SealedSetting[]) => settings.toSorted((a, b) => (a.name < b.name ? -1 : 1))
    deepEqual(byName(await other.readSettings()), [changed, added])
    deepEqual(await other.setting('a-key', () => before), changed)
    await Promise.all(
      range(8).map((number) =>
        (number % 2 === 0 ? store : other).changeSettings((current) => [...current, settingOf(`added-${number}`)]),
      ),
    )
    equal((await store.readSettings()).length, 10)
    deepEqual(await store.changeSettings((current) => current), await store.readSettings())
    await feed.close()
  },

  async 'reports a change of the key pairs on the change feed'({ store, other }) {
    const { recorder, feed } = await Recorder.on(other)
    await store.changeKeyPairs(() => [keyPairOf()])
    await recorder.until('it was reported', () => recorder.changes.some(({ tenant }) => tenant === KEYS_CHANGED))
    await feed.close()
  },

  async 'names every master key that seals a value'({ store, other }) {
    deepEqual(await store.masterKeyIds(), [])
    await put(store, 'alice', stateOf([secretOf({ masterKeyId: 'b' }), secretOf({ generation: 2, masterKeyId: 'a' })]))
    await put(store, 'bob', stateOf([secretOf({ masterKeyId: 'b' })]))
    await store.setting('kid-key', () => ({ ...settingOf('kid-key'), masterKeyId: 'c' }))
    await store.changeKeyPairs(() => [keyPairOf({ masterKeyId: 'd' })])
    await put(store, 'carol', { ...stateOf([]), grants: { masterKeyId: 'e', sealed: 'x' } })
    await put(store, 'dave', { ...stateOf([]), grants: { masterKeyId: 'b', sealed: 'x' } })
    deepEqual([...(await other.masterKeyIds())].sort(), ['a', 'b', 'c', 'd', 'e'])
  },

  async 'counts the values that each master key has sealed'({ store, other }) {
    equal((await store.sealCounts()).size, 0)
    await Promise.all(range(10).map((number) => (number % 2 === 0 ? store : other).countSeals('key-1', number)))
    await other.countSeals('key-2', 2 ** 33)
    deepEqual([...(await store.sealCounts())].sort(), [
      ['key-1', 45],
      ['key-2', 2 ** 33],
    ])
  },

  async 're-seals all values in steps that can be resumed, and changes no version'({ store, other }) {
    const before = []
    for (const number of range(5)) before.push(await put(store, `tenant-${number}`, stateOf([secretOf()])))
    await put(store, 'done', stateOf([secretOf({ masterKeyId: 'key-2' })]))
    const granted = []
    for (const number of range(3)) {
      granted.push(
        await put(store, `granted-${number}`, { ...stateOf([]), grants: { masterKeyId: 'key-1', sealed: 'x' } }),
      )
    }
    const setting = await store.setting('kid-key', () => settingOf('kid-key'))
    const [pair = keyPairOf()] = await store.changeKeyPairs(() => [keyPairOf()])
    const steps: number[] = []
    do steps.push(await (steps.length % 2 === 0 ? store : other).reseal('key-2', 2, toKey2))
    while (steps.at(-1) !== 0)
    ok(steps.every((count) => count <= 2))
    equal(
      steps.reduce((sum, count) => sum + count),
      10,
    )
    deepEqual(await store.masterKeyIds(), ['key-2'])
    for (const record of before) {
      const secrets = record.secrets.map((row) => ({ ...row, ...toKey2.secret(record.tenant, row) }))
      deepEqual(await read(store, record.tenant), { ...record, secrets })
    }
    for (const record of granted) {
      const grants = record.grants && toKey2.grants(record.tenant, record.version, record.grants)
      deepEqual(await read(store, record.tenant), { ...record, grants })
    }
    deepEqual(await other.setting('kid-key', () => setting), toKey2.setting(setting))
    deepEqual(await other.readKeyPairs(), [{ ...pair, ...toKey2.keyPair(pair) }])
  },

  async 'loses neither a change nor a re-sealed secret when both happen at once'({ store, other }) {
    const tenants = range(6).map((number) => `tenant-${number}`)
    for (const tenant of tenants) await put(store, tenant, stateOf([secretOf()]))
    const retire = (tenant: string) => other.change(tenant, addSecret)
    const reseal = async () => {
      while ((await store.reseal('key-2', 2, toKey2)) > 0);
    }
    await Promise.all([reseal(), ...tenants.map(retire), ...tenants.map(retire)])
    await reseal()
    deepEqual(await store.masterKeyIds(), ['key-2'])
    for (const tenant of tenants) {
      const secrets = (await read(store, tenant))?.secrets ?? []
      deepEqual(
        secrets.map((secret) => secret.generation),
        [1, 2, 3],
      )
      for (const { kid, sealed } of secrets) ok(sealed.startsWith(`${tenant}.${kid}.`))
    }
  },

  async 're-seals all secrets before it returns 0, although the same secrets change meanwhile'({ store, other }) {
    const tenants = range(6).map((number) => `tenant-${number}`)
    for (const tenant of tenants) await put(store, tenant, stateOf([secretOf()]))
    const touch = (current: TenantState | undefined) =>
      stateOf((current?.secrets ?? []).map((secret) => ({ ...secret, reissueRequired: !secret.reissueRequired })))
    let sealing = true
    const touchOn = async (tenant: string) => {
      while (sealing) await other.change(tenant, touch)
      for (let more = 0; more < 3; more += 1) await other.change(tenant, touch)
    }
    const reseal = async () => {
      while ((await store.reseal('key-2', 2, toKey2)) > 0);
      sealing = false
    }
    await Promise.all([reseal(), ...tenants.map(touchOn)])
    deepEqual(await store.masterKeyIds(), ['key-2'])
  },

  async 'lists and counts in steps the tenants whose signing secret was created before a time'({ store, other }) {
    const retired = () => secretOf({ createdAt: 1, retiresAt: someTime })
    const made = (createdAt: number) => stateOf([retired(), secretOf({ generation: 2, createdAt })])
    for (const number of range(5)) await put(store, `tenant-${number}`, made(someTime - 1))
    await put(store, 'tenant-2b', made(someTime))
    await put(store, 'retired', stateOf([retired()]))
    await put(store, 'empty', stateOf([]))
    const due = range(5).map((number) => `tenant-${number}`)
    deepEqual(await other.readDue(someTime, '', 100), due)
    deepEqual(await other.readDue(someTime, '', 2), due.slice(0, 2))
    deepEqual(await other.readDue(someTime, 'tenant-1', 2), due.slice(2, 4))
    deepEqual(await other.readDue(someTime, 'tenant-4', 2), [])
    deepEqual(await other.readDue(someTime + 1, 'tenant-2', 2), ['tenant-2b', 'tenant-3'])
    equal(await other.countDue(someTime), 5)
    equal(await other.countDue(someTime + 1), 6)
    equal(await other.countDue(0), 0)
  },

  async 'lists the tenants that have grants, in steps'({ store, other }) {
    const grants = { masterKeyId: 'key-1', sealed: 'x' }
    for (const number of range(5)) await put(store, `tenant-${number}`, { ...stateOf([]), grants })
    await put(store, 'without', stateOf([secretOf()]))
    await put(store, 'tenant-1', stateOf([]))
    const granted = ['tenant-0', 'tenant-2', 'tenant-3', 'tenant-4']
    deepEqual(await other.readGranted('', 100), granted)
    deepEqual(await other.readGranted('', 2), granted.slice(0, 2))
    deepEqual(await other.readGranted('tenant-2', 1), ['tenant-3'])
    deepEqual(await other.readGranted('tenant-4', 2), [])
  },

  async 'prunes expired secrets and ended sessions and nothing else'({ store, other }) {
    const grants = { masterKeyId: 'key-1', sealed: 'x' }
    const gone = secretOf({ retiresAt: someTime - 1 })
    const kept = [secretOf({ generation: 2, retiresAt: someTime + 1 }), secretOf({ generation: 3 })]
    const live = { sessionId: 'tablet', until: someTime + 1 }
    const { version } = await put(store, 'alice', {
      ...stateOf([gone, ...kept], [{ sessionId: 'phone', until: someTime - 1 }, live]),
      grants,
    })
    const bob = await put(store, 'bob', stateOf([secretOf()]))
    await store.prune({ now: someTime, keepMs: 0, changeLogMs: 0 })
    deepEqual(await read(other, 'alice'), { tenant: 'alice', version, ...stateOf(kept, [live]), grants })
    deepEqual(await read(other, 'bob'), bob)
    equal((await other.readByKid([gone.kid])).size, 0)
  },

  async 'prunes deleted tenants whose time has passed'({ store, other }) {
    const gone = { ...stateOf([]), revokedAt: 1, forgottenUntil: someTime - 1 }
    await put(store, 'gone', gone)
    const kept = await put(store, 'kept', { ...gone, forgottenUntil: someTime + 1 })
    await store.prune({ now: someTime, keepMs: 0, changeLogMs: 0 })
    equal(await read(other, 'gone'), undefined)
    deepEqual(await read(other, 'kept'), kept)
  },

  async 'continues to deliver changes, with greater versions, after the log was pruned'({ store, other }) {
    const { recorder, feed } = await Recorder.on(store)
    const before = await put(other, 'alice', stateOf([]))
    await recorder.delivered(before)
    // A hint may have delivered it: the log is pruned once the feed has read it.
    await recorder.proof()
    await other.prune({ now: someTime, keepMs: 0, changeLogMs: -someTime })
    const after = await put(other, 'alice', stateOf([]))
    ok(after.version > before.version)
    await recorder.delivered(after)
    await recorder.proof()
    await feed.close()
    ok(!recorder.events.some((event) => event.kind === 'lost'))
  },
}
