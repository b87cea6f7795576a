import { setTimeout as sleep } from 'node:timers/promises'
import { AuthClient } from '../../support/auth-client.js'
import { RollLoad, type WrongAnswer } from './roll-load.js'
import { RollSite } from './roll-site.js'

/** Options of a rehearsal. */
export interface RollOptions {
  readonly servers: number
  readonly people: number
  /** The SQL that the new version adds to the schema. */
  readonly migration: string
  /** The number of replacements of all servers. */
  readonly rounds: number
  readonly onStep?: (step: string) => void
}

/** The result of a rehearsal. */
export interface RollReport {
  readonly answers: number
  readonly changes: number
  readonly ended: number
  readonly wrong: readonly WrongAnswer[]
}

const maxStalenessMs = 1000
const calmMs = 300

/**
 * Updates a service under load: the new version migrates, then every server is replaced. Halfway a
 * server of the old version starts, as when a pod is moved. At the end every server verifies every
 * ended token. Further rounds roll back to the old version and update again.
 */
export async function rehearseRoll({
  servers,
  people,
  migration,
  rounds,
  onStep = () => {},
}: RollOptions): Promise<RollReport> {
  const site = await RollSite.open({ servers, migration, maxStalenessMs })
  const load = new RollLoad(site.url, maxStalenessMs)
  const roll = async () => {
    for (let round = 0; round < rounds; round++) {
      const version = round % 2 === 0 ? 'new' : 'old'
      await sleep(calmMs)
      onStep(`the ${version} version migrates`)
      await site.migrate(version)
      for (let place = 0; place < servers; place++) {
        onStep(`server ${place + 1} is replaced by the ${version} version`)
        await site.replace(place, version)
        if (place === 0) await (await site.start('old')).stop()
      }
    }
    await sleep(maxStalenessMs)
  }
  try {
    await Promise.all([load.run(people), roll().finally(() => load.stop())])
    const wrong = [...load.wrong, ...(await acceptedAfterAll(site, load.ended))]
    return { answers: load.answers, changes: load.changes, ended: load.ended.length, wrong }
  } finally {
    await site.close()
  }
}

async function acceptedAfterAll({ servers }: RollSite, ended: readonly string[]): Promise<WrongAnswer[]> {
  const wrong: WrongAnswer[] = []
  for (const { url } of servers) {
    for (const token of ended) {
      const got = await new AuthClient(url).whoIs(token)
      if (got !== 'session_ended')
        wrong.push({ asked: 'about an ended token, afterwards', expected: 'session_ended', got })
    }
  }
  return wrong
}
