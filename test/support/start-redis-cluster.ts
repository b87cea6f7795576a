import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { freePort } from './free-port.js'
import { type RedisServer, startRedis } from './start-redis.js'

/** A Redis Cluster of two servers, each with half of the slots. */
export interface RedisCluster {
  readonly urls: readonly string[]
  dispose(): Promise<void>
}

const slots = 16_384
const size = 2
const patienceMs = 20_000

/**
 * Starts a cluster, and resolves once each server knows the other and accepts commands. Needs Redis
 * 7.
 */
export async function startRedisCluster(): Promise<RedisCluster> {
  const nodes: { readonly server: RedisServer; readonly client: Redis }[] = []
  const dispose = async () => {
    for (const { client } of nodes) client.disconnect()
    await Promise.all(nodes.map(({ server }) => server.dispose()))
  }
  try {
    for (let index = 0; index < size; index += 1) {
      const busPort = await freePort()
      const server = await startRedis('--cluster-enabled', 'yes', '--cluster-port', String(busPort))
      const client = new Redis(server.url)
      const first = nodes[0]?.client
      nodes.push({ server, client })
      await client.cluster('ADDSLOTSRANGE', (slots / size) * index, (slots / size) * (index + 1) - 1)
      // Different epochs save the servers an agreement about the owner of each slot.
      await client.cluster('SET-CONFIG-EPOCH', index + 1)
      const { hostname, port } = new URL(server.url)
      await first?.call('CLUSTER', 'MEET', hostname, port, String(busPort))
    }
    await Promise.all(nodes.map(({ client }) => isWhole(client)))
    return { urls: nodes.map(({ server }) => server.url), dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

async function isWhole(client: Redis): Promise<void> {
  const giveUpAt = Date.now() + patienceMs
  for (;;) {
    const info = String(await client.cluster('INFO'))
    if (info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${size}`)) return
    if (Date.now() > giveUpAt) throw new Error(`The Redis Cluster does not form:\n${info}`)
    await sleep(50)
  }
}
