import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { stopTimeoutMs } from '../../packages/server/src/cli/serve.js'
import { type Manifest, nameOf, podTemplateOf, renderKustomization } from './support/kubernetes-manifests.js'
import { renderVariant } from './support/kustomize-variants.js'
import { schemaProblems } from './support/manifest-schemas.js'
import { podProblems } from './support/pod-policy.js'

const deploy = fileURLToPath(new URL('../../deploy', import.meta.url))

/** All rendered variants: overlays, and components that no overlay has. */
const variants: Readonly<Record<string, () => readonly Manifest[]>> = {
  'overlays/local': () => renderVariant('overlays/local'),
  'overlays/gke': () => renderVariant('overlays/gke'),
  'overlays/gke with cloud-armor and tracing': () => renderVariant('overlays/gke', ['cloud-armor', 'tracing']),
  'base with gateway, prometheus and external-secrets': () =>
    renderVariant('base', ['gateway', 'prometheus', 'external-secrets']),
  'base with gateway, mail and cloudnative-pg': () => renderVariant('base', ['gateway', 'mail', 'cloudnative-pg']),
  'base with gke-ingress': () => renderVariant('base', ['gke-ingress']),
}

const stopPatienceSec = stopTimeoutMs / 1000

/** Returns a copy of a manifest with a fault. */
function faulty(manifest: Manifest, fault: (copy: Manifest) => void): Manifest {
  const copy = structuredClone(manifest)
  fault(copy)
  return copy
}

describe('the manifests for Kubernetes', () => {
  let rendered: Readonly<Record<string, readonly Manifest[]>>

  beforeAll(() => {
    rendered = Object.fromEntries(Object.entries(variants).map(([name, make]) => [name, make()]))
  })

  const all = () => Object.values(rendered).flat()
  const find = (variant: string, name: string): Manifest => {
    const manifest = rendered[variant]?.find((candidate) => nameOf(candidate) === name)
    if (manifest === undefined) throw new Error(`${variant} has no ${name}.`)
    return manifest
  }

  it('conform to the schemas of their kinds', () => {
    expect(schemaProblems(all()).flat()).toEqual([])
  })

  it('are refused with a field that is misspelt, misplaced, missing or of a wrong type', () => {
    const deployment = find('overlays/local', 'Deployment/latchkey')
    const faults = [
      faulty(deployment, ({ spec }) => Object.assign(spec, { minReadySecond: 5 })),
      faulty(deployment, ({ spec }) => Object.assign(spec.template.spec, { replicas: 2 })),
      faulty(deployment, ({ spec }) => Object.assign(spec.template.spec.containers[0].readinessProbe, { httpget: {} })),
      faulty(deployment, ({ spec }) => Object.assign(spec.template.spec.containers[0], { runAsNonRoot: true })),
      faulty(deployment, ({ spec }) =>
        Object.assign(spec.template.spec.containers[0].ports[0], { containerPort: '3000' }),
      ),
      faulty(deployment, ({ spec }) => delete spec.selector),
      faulty(deployment, ({ metadata }) => Object.assign(metadata.labels ?? {}, { version: 1 })),
      faulty(find('overlays/gke', 'HealthCheckPolicy/latchkey'), ({ spec }) =>
        Object.assign(spec.default, { requestPath: '/' }),
      ),
      faulty(find('overlays/gke', 'GCPBackendPolicy/latchkey'), ({ spec }) =>
        Object.assign(spec.default, { timeout: 3 }),
      ),
      faulty(find('overlays/gke', 'Gateway/latchkey'), ({ spec }) => Object.assign(spec, { gatewayClass: 'x' })),
      faulty(find('overlays/local', 'BackendTrafficPolicy/latchkey'), ({ spec }) =>
        Object.assign(spec.timeout.http, { idleTimeout: '60s' }),
      ),
      faulty(find('overlays/gke', 'HTTPRoute/latchkey'), ({ spec }) => Object.assign(spec.rules[0], { backends: [] })),
      faulty(find('overlays/gke', 'SecretProviderClass/latchkey'), ({ spec }) => Object.assign(spec, { secrets: [] })),
      faulty(find('base with gke-ingress', 'BackendConfig/latchkey'), ({ spec }) =>
        Object.assign(spec.healthCheck, { path: '/' }),
      ),
      faulty(find('overlays/gke', 'GCPGatewayPolicy/latchkey'), ({ spec }) =>
        Object.assign(spec.default, { minTls: '1.2' }),
      ),
      faulty(find('overlays/gke', 'PodMonitoring/latchkey'), ({ spec }) =>
        Object.assign(spec.endpoints[0], { scrapeTimeout: '5s' }),
      ),
      ...['Cluster', 'ScheduledBackup', 'ObjectStore'].map((kind) =>
        faulty(find('base with gateway, mail and cloudnative-pg', `${kind}/latchkey-db`), ({ spec }) =>
          Object.assign(spec, { misspelt: {} }),
        ),
      ),
      ...['ServiceMonitor', 'PrometheusRule', 'ExternalSecret'].map((kind) =>
        faulty(find('base with gateway, prometheus and external-secrets', `${kind}/latchkey`), ({ spec }) =>
          Object.assign(spec, { misspelt: {} }),
        ),
      ),
    ]
    for (const [index, problems] of schemaProblems(faults).entries()) {
      expect(problems, `fault ${index}`).not.toEqual([])
    }
  })

  it('create pods that are confined, limited, probed and pinned', () => {
    expect(all().flatMap(podProblems)).toEqual([])
  })

  it.each<[string, (pod: { spec: Record<string, unknown>; container: Record<string, unknown> }) => void]>([
    ['is privileged', ({ container }) => Object.assign(container.securityContext as object, { privileged: true })],
    [
      'may gain privileges',
      ({ container }) => Object.assign(container.securityContext as object, { allowPrivilegeEscalation: true }),
    ],
    [
      'can write to its root file system',
      ({ container }) => Object.assign(container.securityContext as object, { readOnlyRootFilesystem: false }),
    ],
    ['keeps capabilities', ({ container }) => Object.assign(container.securityContext as object, { capabilities: {} })],
    ['has no limits', ({ container }) => Object.assign(container.resources as object, { limits: {} })],
    [
      'requests no processor or memory',
      ({ container }) => Object.assign(container.resources as object, { requests: {} }),
    ],
    ['has no liveness probe', ({ container }) => delete container.livenessProbe],
    ['has no readiness probe', ({ container }) => delete container.readinessProbe],
    ['has no startup probe', ({ container }) => delete container.startupProbe],
    ['has an image that is not pinned', ({ container }) => Object.assign(container, { image: 'latchkey:latest' })],
    [
      'has a secret in its environment',
      ({ container }) => Object.assign(container, { env: [{ name: 'DATABASE_URL' }] }),
    ],
    ['may run as root', ({ spec }) => Object.assign(spec.securityContext as object, { runAsNonRoot: false })],
    ['has no seccomp profile', ({ spec }) => Object.assign(spec.securityContext as object, { seccompProfile: {} })],
    ['mounts a token of the cluster', ({ spec }) => delete spec.automountServiceAccountToken],
    [
      'mounts a path of the node',
      ({ spec }) => Object.assign(spec, { volumes: [{ name: 'x', hostPath: { path: '/' } }] }),
    ],
    ['shares the network of the node', ({ spec }) => Object.assign(spec, { hostNetwork: true })],
  ])('are refused if a pod %s', (problem, fault) => {
    const planted = faulty(find('overlays/local', 'Deployment/latchkey'), ({ spec: { template } }) =>
      fault({ spec: template.spec, container: template.spec.containers[0] }),
    )
    expect(podProblems(planted)).toEqual([expect.stringContaining(problem)])
  })

  const stopDelayOf = (variant: string) => {
    const pod = podTemplateOf(find(variant, 'Deployment/latchkey')).spec
    const settings = find(variant, `ConfigMap/${pod.containers[0].envFrom[0].configMapRef.name}`)
    return Number(settings.data.LATCHKEY_STOP_DELAY)
  }

  it.each(Object.keys(variants))(
    '%s: leaves a server the time to drain and to answer requests in progress',
    (variant) => {
      const pod = podTemplateOf(find(variant, 'Deployment/latchkey')).spec
      // The signal is sent at once, so that /readyz answers 503 for the whole delay.
      expect(pod.containers[0].lifecycle).toBeUndefined()
      expect(stopDelayOf(variant)).toBeGreaterThanOrEqual(10)
      expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(stopDelayOf(variant) + stopPatienceSec)
    },
  )

  it('overlays/gke: answers until the load balancer sends no more requests to a removed pod', () => {
    const { checkIntervalSec, timeoutSec, unhealthyThreshold } = find('overlays/gke', 'HealthCheckPolicy/latchkey').spec
      .default
    const { drainingTimeoutSec } = find('overlays/gke', 'GCPBackendPolicy/latchkey').spec.default.connectionDraining
    const unhealthyAfterSec = checkIntervalSec * unhealthyThreshold + timeoutSec
    // The example of
    // https://cloud.google.com/knowledge/kb/502-503-errors-on-external-http-s-load-balancer-000006416
    expect(stopDelayOf('overlays/gke')).toBeGreaterThanOrEqual(40)
    expect(stopDelayOf('overlays/gke')).toBeGreaterThan(unhealthyAfterSec + drainingTimeoutSec)
  })

  it('base with gke-ingress: checks and drains as the Gateway does, with the same stop delay', () => {
    const { healthCheck, connectionDraining } = find('base with gke-ingress', 'BackendConfig/latchkey').spec
    const { checkIntervalSec, timeoutSec, unhealthyThreshold } = find('overlays/gke', 'HealthCheckPolicy/latchkey').spec
      .default
    expect(healthCheck).toMatchObject({ checkIntervalSec, timeoutSec, unhealthyThreshold })
    expect(connectionDraining).toEqual(
      find('overlays/gke', 'GCPBackendPolicy/latchkey').spec.default.connectionDraining,
    )
  })

  it.each(['overlays/local', 'overlays/gke'])('%s: denies all connections except the named ones', (variant) => {
    const policies = (rendered[variant] ?? []).filter(({ kind }) => kind === 'NetworkPolicy')
    const closed = policies.filter(
      ({ spec }) =>
        Object.keys(spec.podSelector).length === 0 && spec.ingress === undefined && spec.egress === undefined,
    )
    expect(closed.map(({ spec }) => spec.policyTypes)).toEqual([['Ingress', 'Egress']])
    for (const { spec } of policies) {
      for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
        expect(rule.from ?? rule.to, 'peers').not.toHaveLength(0)
        expect(rule.ports, 'ports').not.toHaveLength(0)
        expect(JSON.stringify(rule)).not.toContain('/0"')
      }
    }
  })

  it.each(['overlays/local', 'overlays/gke'])(
    '%s: selects the servers, and nothing else, by service, budget and autoscaler',
    (variant) => {
      const { spec } = find(variant, 'Deployment/latchkey')
      const { labels } = spec.template.metadata
      expect(labels).toMatchObject(spec.selector.matchLabels)
      expect(find(variant, 'Service/latchkey').spec.selector).toEqual(spec.selector.matchLabels)
      expect(find(variant, 'PodDisruptionBudget/latchkey').spec.selector.matchLabels).toEqual(spec.selector.matchLabels)
      expect(find(variant, 'HorizontalPodAutoscaler/latchkey').spec.scaleTargetRef).toMatchObject({
        kind: 'Deployment',
        name: 'latchkey',
      })
      const migration = find(variant, 'Job/latchkey-migration').spec.template.metadata.labels
      expect(migration['app.kubernetes.io/component']).not.toBe(labels['app.kubernetes.io/component'])
    },
  )

  it.each(['overlays/local', 'overlays/gke'])(
    '%s: runs one image for servers and migration, and keeps settings and secrets apart',
    (variant) => {
      const server = find(variant, 'Deployment/latchkey').spec.template.spec.containers[0]
      expect(find(variant, 'Job/latchkey-migration').spec.template.spec.containers[0].image).toBe(server.image)
      const settings = (rendered[variant] ?? []).filter(
        ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === server.envFrom[0].configMapRef.name,
      )
      expect(settings).toHaveLength(1)
      expect(Object.keys(settings[0]?.data).filter((name) => /(URL|KEYS|TOKEN|PASSWORD|PEPPERS)$/.test(name))).toEqual(
        [],
      )
      expect((rendered[variant] ?? []).filter(({ kind }) => kind === 'Secret')).toEqual([])
    },
  )

  it.each(['overlays/local', 'overlays/gke'])(
    '%s: mounts every secret that a pod reads, and has a command run with the settings of a server',
    (variant) => {
      const readBy = (name: string): readonly string[] => {
        const [container] = podTemplateOf(find(variant, name)).spec.containers
        return container.env
          .map(({ value }: { value: string }) => value)
          .filter((value: string) => value.startsWith('/run/secrets/latchkey/'))
      }
      const server = readBy('Deployment/latchkey')
      expect(server).toEqual(
        expect.arrayContaining(['/run/secrets/latchkey/smtp-url', '/run/secrets/latchkey/password-peppers']),
      )
      const notForCommands = new Set(variant === 'overlays/gke' ? [] : ['/run/secrets/latchkey/metrics-token'])
      expect([...readBy('CronJob/latchkey-command')].sort()).toEqual(
        server.filter((path) => !notForCommands.has(path)).sort(),
      )
      if (variant !== 'overlays/gke') return
      const { secrets } = find(variant, 'SecretProviderClass/latchkey').spec.parameters
      const mounted = parse(secrets).map(({ path }: { path: string }) => `/run/secrets/latchkey/${path}`)
      expect([...server].sort()).toEqual([...mounted].sort())
    },
  )

  it('overlays/gke: reads numbered versions of secrets, and restarts the pods when a number changes', () => {
    const { secrets } = find('overlays/gke', 'SecretProviderClass/latchkey').spec.parameters
    for (const { resourceName } of parse(secrets)) expect(resourceName).toMatch(/\/versions\/\d+$/)
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-gke-'))
    try {
      cpSync(join(deploy, 'kustomize'), folder, { recursive: true })
      const file = join(folder, 'overlays/gke/secret-provider-class.yaml')
      writeFileSync(file, readFileSync(file, 'utf8').replace('redis-url/versions/1', 'redis-url/versions/2'))
      const changed = renderKustomization(join(folder, 'overlays/gke'))
      for (const name of ['Deployment/latchkey', 'Job/latchkey-migration', 'CronJob/latchkey-command']) {
        const after = changed.find((manifest) => nameOf(manifest) === name)
        if (after === undefined) throw new Error(`overlays/gke has no ${name}.`)
        expect(podTemplateOf(after)).not.toEqual(podTemplateOf(find('overlays/gke', name)))
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('overlays/gke: signs in to Cloud SQL without a password, as the account of the pods', () => {
    for (const name of ['Deployment/latchkey', 'Job/latchkey-migration', 'CronJob/latchkey-command']) {
      const [proxy] = podTemplateOf(find('overlays/gke', name)).spec.initContainers
      expect(proxy.args).toEqual(expect.arrayContaining(['--auto-iam-authn', '--private-ip']))
    }
  })

  it.each(['overlays/local', 'overlays/gke'])('%s: answers plain HTTP only with a redirect', (variant) => {
    const { listeners } = find(variant, 'Gateway/latchkey').spec
    expect(listeners.map(({ name, protocol }: { name: string; protocol: string }) => [name, protocol])).toEqual([
      ['https', 'HTTPS'],
      ['http', 'HTTP'],
    ])
    const routes = (rendered[variant] ?? []).filter(({ kind }) => kind === 'HTTPRoute')
    const rulesOf = (listener: string) =>
      routes.filter(({ spec }) => spec.parentRefs[0].sectionName === listener).flatMap(({ spec }) => spec.rules)
    expect(rulesOf('http')).toEqual([
      { filters: [{ type: 'RequestRedirect', requestRedirect: { scheme: 'https', statusCode: 301 } }] },
    ])
    expect(rulesOf('https')).toHaveLength(1)
    expect(routes.every(({ spec }) => spec.parentRefs[0].sectionName !== undefined)).toBe(true)
  })

  it('overlays/gke: has an SSL policy, on the gateway and on the ingress, and optionally Cloud Armor', () => {
    const { spec } = find('overlays/gke', 'GCPGatewayPolicy/latchkey')
    expect(spec).toMatchObject({ default: { sslPolicy: 'latchkey' }, targetRef: { kind: 'Gateway', name: 'latchkey' } })
    expect(find('base with gke-ingress', 'FrontendConfig/latchkey').spec.sslPolicy).toBe('latchkey')
    const backend = (variant: string) => find(variant, 'GCPBackendPolicy/latchkey').spec.default.securityPolicy
    expect([backend('overlays/gke'), backend('overlays/gke with cloud-armor and tracing')]).toEqual([
      undefined,
      'latchkey',
    ])
  })

  it('overlays/gke: allows managed Prometheus to read one secret, and to present it as the token', () => {
    const monitoring = find('overlays/gke', 'PodMonitoring/latchkey')
    const server = podTemplateOf(find('overlays/gke', 'Deployment/latchkey'))
    expect(server.metadata.labels).toMatchObject(monitoring.spec.selector.matchLabels)
    const [endpoint] = monitoring.spec.endpoints
    expect(server.spec.containers[0].ports).toContainEqual(expect.objectContaining({ name: endpoint.port }))
    const role = find('overlays/gke', 'Role/read-metrics-token')
    expect(role.rules).toEqual([
      {
        apiGroups: [''],
        resources: ['secrets'],
        resourceNames: [endpoint.authorization.credentials.secret.name],
        verbs: ['get', 'list', 'watch'],
      },
    ])
  })

  it('overlays/gke: mounts the wrapped master keys into servers and migration, and names the key that unwraps them', () => {
    const secrets = find('overlays/gke', 'SecretProviderClass/latchkey').spec.parameters.secrets
    for (const name of ['Deployment/latchkey', 'Job/latchkey-migration']) {
      const { env } = find('overlays/gke', name).spec.template.spec.containers[0]
      const settingOf = (variable: string) => env.find((entry: { name: string }) => entry.name === variable)?.value
      expect(settingOf('LATCHKEY_MASTER_KEYS_FILE')).toBeUndefined()
      expect(settingOf('LATCHKEY_KMS_KEY')).toMatch(/^projects\/.*\/cryptoKeys\/master-keys$/)
      const file = settingOf('LATCHKEY_WRAPPED_MASTER_KEYS_FILE')
      expect(secrets).toContain(`path: ${file.slice('/run/secrets/latchkey/'.length)}\n`)
    }
  })

  it('contain the alerts of deploy/observability/alerts.yaml for the Prometheus operator', () => {
    const rule = find('base with gateway, prometheus and external-secrets', 'PrometheusRule/latchkey')
    expect(rule.spec).toEqual(parse(readFileSync(join(deploy, 'observability/alerts.yaml'), 'utf8')))
  })

  it('scale by processor load, and by a metric of the servers where there is Prometheus', () => {
    const metricsOf = (variant: string) =>
      find(variant, 'HorizontalPodAutoscaler/latchkey').spec.metrics.map((metric: { type: string }) => metric.type)
    expect(metricsOf('overlays/local')).toEqual(['Resource'])
    expect(metricsOf('base with gateway, prometheus and external-secrets')).toEqual(['Resource', 'Pods'])
  })
})
