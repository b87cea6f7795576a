/** Returns the configuration of the filter of Envoy with this name, wherever it is in a file. */
export function findFilter(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  if ('name' in value && value.name === name && 'typed_config' in value) return value.typed_config
  return Object.values(value)
    .map((member) => findFilter(member, name))
    .find((found) => found !== undefined)
}
