import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll } from 'vitest'
import { createDeployment, type Deployment } from '../../../../test/support/server-process.js'
import { readConfiguration } from '../../src/config/configuration.js'
import { Command, type Finished } from './command.js'
import { tokenState } from './people.js'
import { type databases, startServer, type TestServer } from './start-server.js'

const maxStalenessMs = 250

/** A running server and commands beside it, for the tests of one `describe`. */
export interface BesideServer {
  readonly running: TestServer
  readonly deployment: Deployment
  /** Starts a command of the same deployment. */
  start(args: readonly string[], input?: string, env?: Record<string, string>): Command
  /** Runs a command to its end. */
  run(...args: string[]): Promise<Finished>
  /** Returns the state of a token at the running server once every change must have reached it. */
  laterState(token: string): Promise<number | string>
}

export function besideServer(database: (typeof databases)[number]): BesideServer {
  let deployment: Deployment | undefined
  let running: TestServer | undefined
  const opened = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('The tests have not begun.')
    return value
  }
  beforeAll(async () => {
    deployment = await createDeployment(database)
    const { database: place, issuer } = readConfiguration(deployment.env)
    running = await startServer({ database, configuration: { database: place, issuer, maxStalenessMs } })
  })
  afterAll(async () => {
    await running?.stop()
    await deployment?.dispose()
  })
  const start = (args: readonly string[], input = '', env: Record<string, string> = {}) =>
    new Command(args, { ...opened(deployment).env, ...env }, input)
  return {
    get running() {
      return opened(running)
    },
    get deployment() {
      return opened(deployment)
    },
    start,
    run: (...args) => start(args).finished,
    laterState: async (token) => {
      await sleep(2 * maxStalenessMs)
      return tokenState(opened(running), token)
    },
  }
}

/** Returns the exit code of a command, and the error code on standard error. */
export function outcomeOf({ code, stderr }: Finished): [number | null, string | undefined] {
  return [code, /^latchkey: (\w+):/m.exec(stderr)?.[1]]
}
