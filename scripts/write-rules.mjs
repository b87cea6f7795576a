// Writes the alert rules of deploy/observability/alerts.yaml as a resource of the Prometheus
// operator: npm run reference.
import { readFileSync, writeFileSync } from 'node:fs'

const deploy = new URL('../deploy/', import.meta.url)
const source = readFileSync(new URL('observability/alerts.yaml', deploy), 'utf8')
const groups = source.slice(source.indexOf('groups:\n'))

writeFileSync(
  new URL('kustomize/components/prometheus/rules.yaml', deploy),
  `# Written by npm run reference from deploy/observability/alerts.yaml. A test compares the two.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: latchkey
spec:
${groups.replaceAll(/^(?=.)/gm, '  ')}`,
)
