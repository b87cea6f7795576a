let counter = Math.floor(Math.random() * 2 ** 23)

/**
 * Returns the header with another client address each time. All servers trust a proxy on this
 * machine, so that limits by address see many clients.
 */
export function fromNextAddress(): Readonly<Record<'x-forwarded-for', string>> {
  counter = (counter + 1) % 2 ** 24
  return { 'x-forwarded-for': `10.${counter >> 16}.${(counter >> 8) & 255}.${counter & 255}` }
}
