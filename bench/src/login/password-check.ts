import { hash, verify } from '@node-rs/argon2'

/** What every visitor signs in with. */
export const password = 'correct horse battery staple'

/** As the server hashes: see `usualCost` there. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** Gives the function that checks a candidate, by Argon2id and nothing else. */
export async function createPasswordCheck(): Promise<(candidate: string) => Promise<boolean>> {
  const phc = await hash(password, cost)
  return (candidate) => verify(phc, candidate)
}
