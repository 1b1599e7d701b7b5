/** One event of a stream. */
export interface ReceivedEvent {
  /** Null for an event that cannot be asked for again. */
  readonly id: number | null;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

/** Makes events of the text of a stream (WHATWG HTML, 9.2.6), which may be cut anywhere. Comments are passed over. */
export function createEventParser(): (text: string) => ReceivedEvent[] {
  let rest = "";
  return (text) => {
    rest += text;
    const events: ReceivedEvent[] = [];
    for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
      const fields = new Map<string, string>();
      for (const line of rest.slice(0, end).split("\n")) {
        const colon = line.indexOf(":");
        if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).replace(/^ /, ""));
      }
      rest = rest.slice(end + 2);
      const [id, event, data] = ["id", "event", "data"].map((name) => fields.get(name));
      if (event === undefined || data === undefined) continue;
      events.push({
        id: id === undefined ? null : Number(id),
        event,
        data: JSON.parse(data) as Record<string, unknown>,
      });
    }
    return events;
  };
}
