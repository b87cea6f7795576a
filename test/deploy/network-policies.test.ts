import { beforeAll, describe, expect, it } from 'vitest'
import { type Manifest, nameOf, podTemplateOf } from './support/kubernetes-manifests.js'
import { renderVariant } from './support/kustomize-variants.js'
import { type Endpoint, isAllowed, type PodEndpoint } from './support/network-policies.js'

/** An endpoint that a pod may connect to, or that may connect to it, with the necessary ports. */
interface Place {
  readonly at: Endpoint
  readonly ports: readonly `${'TCP' | 'UDP'}/${number}`[]
}

const pod = (namespace: string, labels: Readonly<Record<string, string>>): PodEndpoint => ({
  namespace,
  namespaceLabels: { 'kubernetes.io/metadata.name': namespace },
  labels,
  ports: {},
})

const dns = ['UDP/53', 'TCP/53'] as const

/** The endpoints of each variant of cluster DNS. */
const resolvers: Readonly<Record<string, Place>> = {
  'kube-dns': { at: pod('kube-system', { 'k8s-app': 'kube-dns' }), ports: dns },
  'NodeLocal DNSCache, its pod': { at: pod('kube-system', { 'k8s-app': 'node-local-dns' }), ports: dns },
  'NodeLocal DNSCache, its address': { at: { ip: '169.254.20.10' }, ports: dns },
  'Cloud DNS': { at: { ip: '169.254.169.254' }, ports: dns },
}

const mail: Place = { at: { ip: '203.0.113.25' }, ports: ['TCP/587'] }
const collector: Place = {
  at: pod('opentelemetry', { 'app.kubernetes.io/name': 'opentelemetry-collector' }),
  ports: ['TCP/4318'],
}

/** The endpoints outside their namespace that pods of GKE need. */
const googleCloud: Readonly<Record<string, Place>> = {
  'kube-dns, by the address of its service': { at: { ip: '34.118.224.10' }, ports: dns },
  'Cloud SQL': { at: { ip: '10.60.0.3' }, ports: ['TCP/3307'] },
  'the APIs, Cloud KMS among them': { at: { ip: '199.36.153.9' }, ports: ['TCP/443'] },
  'the metadata server, Dataplane V2': { at: { ip: '169.254.169.254' }, ports: ['TCP/80', 'TCP/8080'] },
  'the metadata server': { at: { ip: '169.254.169.252' }, ports: ['TCP/987', 'TCP/988'] },
}

/** Its address is in the same range as that of Cloud SQL, and is not known beforehand. */
const memorystore: Place = { at: { ip: '10.60.0.3' }, ports: ['TCP/6378'] }

/** Endpoints that no pod needs, on each cluster. */
const elsewhere: Readonly<Record<string, Place>> = {
  'the internet': { at: { ip: '198.51.100.80' }, ports: [] },
  'the internet, version 6': { at: { ip: '2001:db8::80' }, ports: [] },
  'the API of Kubernetes': { at: { ip: '172.16.0.2' }, ports: [] },
  'another host of the mail server’s network': { at: { ip: '203.0.113.26' }, ports: [] },
  'another link-local address': { at: { ip: '169.254.20.11' }, ports: [] },
  'a pod of another namespace': { at: pod('default', { 'app.kubernetes.io/name': 'latchkey' }), ports: [] },
  'a pod of another namespace that says it is DNS': { at: pod('default', { 'k8s-app': 'kube-dns' }), ports: [] },
  'another pod of kube-system': { at: pod('kube-system', { 'k8s-app': 'metrics-server' }), ports: [] },
}

const clients: Readonly<Record<string, Endpoint>> = {
  'a front end of Google': { ip: '35.191.4.4' },
  'a health check of Google': { ip: '130.211.1.1' },
  'a collector of managed Prometheus': pod('gmp-system', { 'app.kubernetes.io/name': 'collector' }),
  'a collector of managed Prometheus, Autopilot': pod('gke-gmp-system', { 'app.kubernetes.io/name': 'collector' }),
  'another pod of managed Prometheus': pod('gmp-system', { 'app.kubernetes.io/name': 'rule-evaluator' }),
  Prometheus: pod('monitoring', { 'app.kubernetes.io/name': 'prometheus' }),
  'another pod of monitoring': pod('monitoring', { 'app.kubernetes.io/name': 'grafana' }),
  'the gateway': pod('envoy-gateway-system', {
    'gateway.envoyproxy.io/owning-gateway-name': 'latchkey',
    'gateway.envoyproxy.io/owning-gateway-namespace': 'latchkey',
  }),
  'a gateway of another namespace': pod('envoy-gateway-system', {
    'gateway.envoyproxy.io/owning-gateway-name': 'latchkey',
    'gateway.envoyproxy.io/owning-gateway-namespace': 'default',
  }),
  'a pod that says it is the gateway': pod('default', {
    'gateway.envoyproxy.io/owning-gateway-name': 'latchkey',
    'gateway.envoyproxy.io/owning-gateway-namespace': 'latchkey',
  }),
  'the internet': { ip: '198.51.100.80' },
  'a server of another namespace': pod('default', { 'app.kubernetes.io/component': 'server' }),
}

/** The connections that each pod needs, by variant; everything else is denied. */
interface Needs {
  readonly egress: Readonly<Record<string, Readonly<Record<string, Place>>>>
  /** Connections between pods of the variant: client, server and port. */
  readonly inside: readonly (readonly [string, string, number])[]
  /** The clients of port 3000 of the servers. */
  readonly ingress: readonly string[]
}

const gke: Needs = {
  egress: {
    'Deployment/latchkey': { ...googleCloud, Memorystore: memorystore, mail },
    'CronJob/latchkey-command': { ...googleCloud, Memorystore: memorystore, mail },
    'Job/latchkey-migration': googleCloud,
  },
  inside: [],
  ingress: [
    'a front end of Google',
    'a health check of Google',
    'a collector of managed Prometheus',
    'a collector of managed Prometheus, Autopilot',
  ],
}

const onStores: Needs['inside'] = [
  ['Deployment/latchkey', 'StatefulSet/postgres', 5432],
  ['Job/latchkey-migration', 'StatefulSet/postgres', 5432],
  ['CronJob/latchkey-command', 'StatefulSet/postgres', 5432],
  ['Deployment/latchkey', 'Deployment/redis', 6379],
  ['CronJob/latchkey-command', 'Deployment/redis', 6379],
]

const local: Needs = {
  egress: { 'Deployment/latchkey': { mail }, 'CronJob/latchkey-command': { mail } },
  inside: onStores,
  ingress: ['the gateway'],
}

const variants: Readonly<Record<string, { readonly make: () => readonly Manifest[]; readonly needs: Needs }>> = {
  'overlays/gke': { make: () => renderVariant('overlays/gke'), needs: gke },
  'overlays/gke with tracing and cloud-armor': {
    make: () => renderVariant('overlays/gke', ['tracing', 'cloud-armor']),
    needs: {
      ...gke,
      egress: { ...gke.egress, 'Deployment/latchkey': { ...gke.egress['Deployment/latchkey'], collector } },
    },
  },
  'overlays/local': { make: () => renderVariant('overlays/local'), needs: local },
  'overlays/local with prometheus and tracing': {
    make: () => renderVariant('overlays/local', ['prometheus', 'tracing']),
    needs: {
      ...local,
      egress: { ...local.egress, 'Deployment/latchkey': { mail, collector } },
      ingress: ['the gateway', 'Prometheus'],
    },
  },
  'base with mail, gke-ingress and external-secrets': {
    make: () => renderVariant('base', ['mail', 'gke-ingress', 'external-secrets']),
    needs: {
      egress: { 'Deployment/latchkey': { mail }, 'CronJob/latchkey-command': { mail } },
      inside: [],
      // The policy for incoming connections belongs to the overlay.
      ingress: [],
    },
  },
}

/** The ports to try: all that a process here listens on, and some others. */
const ports = [
  ...new Set(
    [
      ...Object.values({ ...resolvers, ...googleCloud }),
      memorystore,
      mail,
      collector,
      { ports: ['TCP/25', 'TCP/465', 'TCP/3000', 'TCP/4317', 'TCP/5432', 'TCP/6379', 'TCP/6443', 'TCP/9801'] as const },
    ].flatMap((place): readonly Place['ports'][number][] => place.ports),
  ),
]

describe.each(Object.entries(variants))('the network policies of %s', (_variant, { make, needs }) => {
  let manifests: readonly Manifest[]
  let pods: Readonly<Record<string, PodEndpoint>>

  beforeAll(() => {
    manifests = make()
    pods = podsOf(manifests)
  })

  it('name every pod that the manifests create', () => {
    const named = [...Object.keys(needs.egress), ...needs.inside.flatMap(([from, to]) => [to, from])]
    expect(named.filter((name) => pods[name] === undefined)).toEqual([])
  })

  it('allow each pod to connect to the endpoints that it needs, and to no others', () => {
    for (const [name, from] of Object.entries(pods)) {
      const needed = { ...resolvers, ...needs.egress[name] }
      const places = { ...resolvers, ...googleCloud, memorystore, mail, collector, ...elsewhere, ...needed }
      expect(reached(manifests, from, Object.values(places)), name).toEqual(expected(Object.values(needed)))
    }
  })

  it('allow pods of the system to connect to one another where necessary, and nowhere else', () => {
    const open = Object.entries(pods).flatMap(([fromName, from]) =>
      Object.entries(pods).flatMap(([toName, to]) =>
        ports
          .filter((port) => fromName !== toName && isOpen(manifests, from, to, port))
          .map((port) => `${fromName} → ${toName} ${port}`),
      ),
    )
    expect(open.sort()).toEqual(needs.inside.map(([from, to, port]) => `${from} → ${to} TCP/${port}`).sort())
  })

  it('allow the necessary clients to connect to the port of the servers, and to no other pod', () => {
    for (const [name, to] of Object.entries(pods)) {
      const open = Object.entries(clients).flatMap(([client, from]) =>
        ports.filter((port) => isOpen(manifests, from, to, port)).map((port) => `${client} ${port}`),
      )
      const expectedHere = name === 'Deployment/latchkey' ? needs.ingress.map((client) => `${client} TCP/3000`) : []
      expect(open.sort(), name).toEqual([...expectedHere].sort())
    }
  })
})

describe('the network policies of base with cloudnative-pg', () => {
  const manifests = renderVariant('base', ['mail', 'cloudnative-pg'])
  const instance = pod('latchkey', { 'cnpg.io/cluster': 'latchkey-db' })
  const component = (name: string) => pod('latchkey', { 'app.kubernetes.io/component': name })
  const operator = pod('cnpg-system', { 'app.kubernetes.io/name': 'cloudnative-pg' })
  const portsFrom = (from: Endpoint, to: Endpoint) =>
    [5432, 6443, 443, 3000, 8000].filter((port) => isOpen(manifests, from, to, `TCP/${port}`))

  it('allow servers, commands, standbys and the operator to connect to the database, and no other pod', () => {
    for (const name of ['server', 'migration', 'command']) {
      expect(portsFrom(component(name), instance), name).toEqual([5432])
    }
    expect(portsFrom(instance, instance)).toEqual([5432, 8000])
    expect(portsFrom(operator, instance)).toEqual([5432, 8000])
    expect(portsFrom(pod('cnpg-system', {}), instance)).toEqual([])
    expect(portsFrom(pod('default', { 'app.kubernetes.io/component': 'server' }), instance)).toEqual([])
  })

  it('allow the database to connect to the API of Kubernetes and to its backups, and to no other endpoint', () => {
    expect(portsFrom(instance, { ip: '203.0.113.41' })).toEqual([6443])
    expect(portsFrom(instance, { ip: '203.0.113.42' })).toEqual([443])
    expect(portsFrom(instance, { ip: '198.51.100.80' })).toEqual([])
    expect(portsFrom(instance, component('server'))).toEqual([])
    expect(portsFrom(component('server'), { ip: '203.0.113.42' })).toEqual([])
  })
})

describe('the evaluation of network policies', () => {
  const manifests = renderVariant('overlays/gke')
  const server = podsOf(manifests)['Deployment/latchkey']
  if (server === undefined) throw new Error('overlays/gke has no servers.')
  const serverNeeds = { ...resolvers, ...gke.egress['Deployment/latchkey'] }

  const rules = manifests
    .filter(({ kind }) => kind === 'NetworkPolicy')
    .flatMap((policy) =>
      (['egress', 'ingress'] as const).flatMap((direction) =>
        (policy.spec[direction] ?? []).flatMap((rule: Record<string, readonly unknown[]>, index: number) =>
          (['to', 'from', 'ports'] as const).flatMap((part) =>
            (rule[part] ?? []).map((_, item) => ({ policy, direction, index, part, item })),
          ),
        ),
      ),
    )

  const served = (candidates: readonly Manifest[]) =>
    Object.values(clients).filter((from) => isOpen(candidates, from, server, 'TCP/3000')).length

  it.each(
    rules.map(
      (rule) => [`${nameOf(rule.policy)} ${rule.direction} ${rule.index} ${rule.part} ${rule.item}`, rule] as const,
    ),
  )('reports that %s is missing', (_name, { policy, direction, index, part, item }) => {
    const planted = structuredClone(policy)
    const list: unknown[] = planted.spec[direction][index][part]
    list.splice(item, 1)
    // An empty list would mean all endpoints, so the removal of the last item removes the rule.
    if (list.length === 0) planted.spec[direction].splice(index, 1)
    const without = manifests.map((manifest) => (manifest === policy ? planted : manifest))
    const before = [reached(manifests, server, Object.values(serverNeeds)), served(manifests)]
    expect([reached(without, server, Object.values(serverNeeds)), served(without)]).not.toEqual(before)
  })

  it('reports that a denying policy is missing', () => {
    const without = manifests.filter((manifest) => nameOf(manifest) !== 'NetworkPolicy/default-deny')
    const unrelated = pod('latchkey', {})
    expect(isOpen(without, server, unrelated, 'TCP/5432')).toBe(false)
    expect(isOpen(without, pod('default', {}), unrelated, 'TCP/5432')).toBe(true)
    expect(isOpen(manifests, pod('default', {}), unrelated, 'TCP/5432')).toBe(false)
  })

  it('supports exceptions, ranges of ports, and rules without peers or ports', () => {
    const policy = (spec: object): Manifest => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'planted', namespace: 'latchkey' },
      spec: { podSelector: {}, policyTypes: ['Egress'], ...spec },
    })
    const opens = (spec: object, ip: string, port: number) =>
      isAllowed([policy(spec)], { from: server, to: { ip }, protocol: 'TCP', port })
    const block = { ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }
    const range = { egress: [{ to: [block], ports: [{ port: 100, endPort: 200 }] }] }
    expect([opens(range, '10.2.0.1', 150), opens(range, '10.1.0.1', 150), opens(range, '10.2.0.1', 201)]).toEqual([
      true,
      false,
      false,
    ])
    expect(opens({ egress: [{ ports: [{ protocol: 'TCP' }] }] }, '192.0.2.1', 9)).toBe(true)
    expect(opens({ egress: [{ to: [block] }] }, '10.2.0.1', 9)).toBe(true)
    expect(opens({ egress: [] }, '10.2.0.1', 9)).toBe(false)
  })
})

function isOpen(manifests: readonly Manifest[], from: Endpoint, to: Endpoint, place: Place['ports'][number]): boolean {
  const [protocol, port] = place.split('/')
  return isAllowed(manifests, { from, to, protocol: protocol === 'UDP' ? 'UDP' : 'TCP', port: Number(port) })
}

/** Returns the open ports of each of the places. */
function reached(manifests: readonly Manifest[], from: Endpoint, places: readonly Place[]): readonly string[] {
  const open = places.flatMap(({ at }) =>
    ports.filter((port) => isOpen(manifests, from, at, port)).map((port) => `${addressOf(at)} ${port}`),
  )
  return [...new Set(open)].sort()
}

function expected(places: readonly Place[]): readonly string[] {
  return [
    ...new Set(places.flatMap(({ at, ports: needed }) => needed.map((port) => `${addressOf(at)} ${port}`))),
  ].sort()
}

function addressOf(at: Endpoint): string {
  return 'ip' in at ? at.ip : `${at.namespace} ${JSON.stringify(at.labels)}`
}

/** Returns one pod of each manifest that creates pods, by the name of the manifest. */
function podsOf(manifests: readonly Manifest[]): Readonly<Record<string, PodEndpoint>> {
  return Object.fromEntries(
    manifests.flatMap((manifest) => {
      const template = podTemplateOf(manifest)
      if (template === undefined) return []
      const containers = [...(template.spec.initContainers ?? []), ...template.spec.containers]
      const named = containers.flatMap((container) => container.ports ?? [])
      const namespace = manifest.metadata.namespace ?? ''
      const endpoint: PodEndpoint = {
        ...pod(namespace, template.metadata.labels),
        ports: Object.fromEntries(named.map((port) => [port.name, port.containerPort])),
      }
      return [[nameOf(manifest), endpoint] as const]
    }),
  )
}
