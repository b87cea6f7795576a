import { BlockList, isIP } from 'node:net'
import type { Manifest } from './kubernetes-manifests.js'

/** The properties of a pod that NetworkPolicy reads. */
export interface PodEndpoint {
  readonly namespace: string
  readonly namespaceLabels: Labels
  readonly labels: Labels
  /** The numbers of the named container ports. */
  readonly ports: Readonly<Record<string, number>>
}

/** A host outside the pod network of the cluster, by its address. */
export interface HostEndpoint {
  readonly ip: string
}

export type Endpoint = PodEndpoint | HostEndpoint

export interface Connection {
  readonly from: Endpoint
  readonly to: Endpoint
  readonly protocol: 'TCP' | 'UDP'
  readonly port: number
}

type Labels = Readonly<Record<string, string>>

interface Selector {
  readonly matchLabels?: Labels
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: string
    readonly values?: readonly string[]
  }[]
}

interface Peer {
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] }
  readonly namespaceSelector?: Selector
  readonly podSelector?: Selector
}

interface Rule {
  readonly from?: readonly Peer[]
  readonly to?: readonly Peer[]
  readonly ports?: readonly { readonly protocol?: string; readonly port?: number | string; readonly endPort?: number }[]
}

const directions = ['Egress', 'Ingress'] as const

/**
 * Returns whether the NetworkPolicies among the manifests allow a connection: egress from the pod
 * that opens it, and ingress to the pod that accepts it. A pod that no policy selects for a
 * direction is open in that direction; a selected one needs a rule that matches
 * (networking.k8s.io/v1).
 */
export function isAllowed(manifests: readonly Manifest[], connection: Connection): boolean {
  return directions.every((direction) => isAllowedIn(direction, manifests, connection))
}

function isAllowedIn(
  direction: (typeof directions)[number],
  manifests: readonly Manifest[],
  connection: Connection,
): boolean {
  const [subject, peer] = direction === 'Egress' ? [connection.from, connection.to] : [connection.to, connection.from]
  if (!isPod(subject)) return true
  const policies = manifests.filter(
    ({ kind, metadata, spec }) =>
      kind === 'NetworkPolicy' &&
      metadata.namespace === subject.namespace &&
      typesOf(spec).includes(direction) &&
      matches(spec.podSelector, subject.labels),
  )
  if (policies.length === 0) return true
  return policies.some(({ metadata, spec }) => {
    const rules: readonly Rule[] = (direction === 'Egress' ? spec.egress : spec.ingress) ?? []
    return rules.some(
      (rule) =>
        includesPeer(direction === 'Egress' ? rule.to : rule.from, peer, metadata.namespace ?? '') &&
        includesPort(rule.ports, connection),
    )
  })
}

/** The default of `policyTypes`: Ingress always, Egress where there are egress rules. */
function typesOf(spec: { policyTypes?: readonly string[]; egress?: readonly Rule[] }): readonly string[] {
  return spec.policyTypes ?? ['Ingress', ...(spec.egress === undefined ? [] : ['Egress'])]
}

function includesPeer(peers: readonly Peer[] | undefined, endpoint: Endpoint, policyNamespace: string): boolean {
  // A rule without peers matches all endpoints.
  if (peers === undefined || peers.length === 0) return true
  return peers.some(({ ipBlock, namespaceSelector, podSelector }) => {
    if (ipBlock !== undefined) return !isPod(endpoint) && isInBlock(endpoint.ip, ipBlock)
    if (!isPod(endpoint)) return false
    const inNamespace =
      namespaceSelector === undefined
        ? endpoint.namespace === policyNamespace
        : matches(namespaceSelector, endpoint.namespaceLabels)
    return inNamespace && (podSelector === undefined || matches(podSelector, endpoint.labels))
  })
}

function includesPort(ports: Rule['ports'], { to, protocol, port: opened }: Connection): boolean {
  if (ports === undefined || ports.length === 0) return true
  return ports.some(({ protocol: allowed = 'TCP', port, endPort }) => {
    if (allowed !== protocol) return false
    if (port === undefined) return true
    // A named port belongs to the pod that accepts the connection; a host outside has none.
    const first = typeof port === 'number' ? port : isPod(to) ? to.ports[port] : undefined
    return first !== undefined && opened >= first && opened <= (endPort ?? first)
  })
}

function isInBlock(ip: string, { cidr, except = [] }: NonNullable<Peer['ipBlock']>): boolean {
  const covers = (network: string) => {
    const [address = '', prefix] = network.split('/')
    if (isIP(address) !== isIP(ip)) return false
    const list = new BlockList()
    const family = isIP(ip) === 6 ? 'ipv6' : 'ipv4'
    list.addSubnet(address, Number(prefix), family)
    return list.check(ip, family)
  }
  return covers(cidr) && !except.some(covers)
}

function matches({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key]
      switch (operator) {
        case 'In':
          return value !== undefined && values.includes(value)
        case 'NotIn':
          return value === undefined || !values.includes(value)
        case 'Exists':
          return value !== undefined
        case 'DoesNotExist':
          return value === undefined
        default:
          throw new Error(`A selector has the unknown operator ${operator}.`)
      }
    })
  )
}

function isPod(endpoint: Endpoint): endpoint is PodEndpoint {
  return 'labels' in endpoint
}
