import { X509Certificate } from 'node:crypto'
import { rootCertificates } from 'node:tls'

const begin = '-----BEGIN CERTIFICATE-----'
const certificate = /-----BEGIN CERTIFICATE-----[\w+/=\s]+-----END CERTIFICATE-----/g

/**
 * Returns the authorities that Node.js trusts by itself and those of a PEM bundle; `undefined` when
 * the bundle has none, or one that is cut off.
 */
export function parseAuthorities(bundle: string): readonly string[] | undefined {
  const bundled = bundle.match(certificate) ?? []
  const isWhole = bundled.length === bundle.split(begin).length - 1
  return bundled.length > 0 && isWhole && bundled.every(isCertificate) ? [...rootCertificates, ...bundled] : undefined
}

function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem)
    return true
  } catch {
    return false
  }
}
