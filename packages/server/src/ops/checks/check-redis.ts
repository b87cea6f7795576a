import { once } from 'node:events'
import { type Finding, fail, ok, warn } from './finding.js'

const timeoutMs = 3000
const slowMs = 20
const leastMajor = 6

/** Checks whether the shared cache answers in time and evicts entries when it is full. */
export async function checkRedis(url: string | undefined): Promise<Finding[]> {
  if (url === undefined) return [ok('redis', 'not configured')]
  const { Redis } = await import('ioredis')
  const client = new Redis(url, { connectTimeout: timeoutMs, retryStrategy: () => null, maxRetriesPerRequest: 0 })
  try {
    await once(client, 'ready', { signal: AbortSignal.timeout(timeoutMs) })
    const began = performance.now()
    await client.ping()
    const tookMs = performance.now() - began
    return findingsOf(await client.info(), tookMs)
  } catch (error) {
    const remedy =
      'Check that it runs, and REDIS_URL. Until then servers are slower, and each counts rate limits by itself.'
    return [fail('redis', 'does not answer', remedy, error)]
  } finally {
    client.disconnect()
  }
}

function findingsOf(info: string, tookMs: number): Finding[] {
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? ''
  const version = field('redis_version')
  const policy = field('maxmemory_policy')
  const findings: Finding[] = []
  const answer = `version ${version}, answers in ${tookMs.toFixed(1)} ms`
  if (Number.parseInt(version, 10) < leastMajor)
    findings.push(warn('redis', answer, `Use Redis ${leastMajor} or newer.`))
  else if (tookMs > slowMs)
    findings.push(
      warn('redis', answer, 'Move it closer to the servers: a cache that is slower than the database is of no use.'),
    )
  else findings.push(ok('redis', answer))
  if (policy === 'noeviction' && field('maxmemory') !== '0') {
    const remedy =
      'Set maxmemory-policy to volatile-ttl or allkeys-lru: a full Redis refuses to count requests for rate limits.'
    findings.push(warn('redis memory', 'has a memory limit and evicts nothing', remedy))
  } else {
    findings.push(ok('redis memory', `eviction policy ${policy}`))
  }
  return findings
}
