import { base } from '../base.js'
import { CopyButton } from './copy-button.js'

interface CurlButtonProps {
  readonly method: string
  readonly path: string
  readonly body?: unknown
}

/** Copies the request of the page as a command of curl. */
export function CurlButton({ method, path }: CurlButtonProps) {
  const url = new URL(base + path, location.href).href
  return <CopyButton label="Copy as curl" text={`curl -X ${method} '${url}' -H "Authorization: Bearer $TOKEN"`} />
}
