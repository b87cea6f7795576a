import { createLatchkey, isLatchkeyError, Keyring, type SharedCache, type TenantStore, tenantSecrets } from 'latchkey'

/**
 * Returns the subject that one process reads from a token of another one, and the code after its
 * revocation. The processes share a store, and a cache if there is one.
 */
export async function outcomeOf(store: TenantStore, cache?: SharedCache): Promise<unknown[]> {
  const masterKeys = Keyring.generate('test')
  const start = () => {
    const keys = tenantSecrets({ store, masterKeys, ...(cache === undefined ? {} : { cache }) })
    return { keys, latchkey: createLatchkey({ issuer: 'https://issuer.test', audience: 'test', keys }) }
  }
  const [here, there] = [start(), start()]
  const verify = async (token: string) => (await there.latchkey.verify(token)).subject
  const { token } = await here.latchkey.issue({ subject: 'ada' })
  const outcome = [await verify(token)]
  await here.keys.revoke('ada', { everywhere: true })
  outcome.push(await verify(token).catch((error: unknown) => (isLatchkeyError(error) ? error.code : String(error))))
  await here.keys.close()
  await there.keys.close()
  return outcome
}
