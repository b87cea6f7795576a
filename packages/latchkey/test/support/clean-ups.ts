import { afterEach } from 'vitest'

/** Functions that release what a test has opened. */
export type CleanUps = (() => Promise<unknown>)[]

/** Returns a list for tests to add to. After each test its functions run, the last one first. */
export function cleanUpsOfEachTest(): CleanUps {
  const cleanUps: CleanUps = []
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
  })
  return cleanUps
}
