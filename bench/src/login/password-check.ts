import { hash, verify } from '@node-rs/argon2'

/** The password of every visitor. */
export const password = 'correct horse battery staple'

/** The same cost as `usualCost` of the server. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** Resolves to a function that checks a candidate with Argon2id. */
export async function createPasswordCheck(): Promise<(candidate: string) => Promise<boolean>> {
  const phc = await hash(password, cost)
  return (candidate) => verify(phc, candidate)
}
