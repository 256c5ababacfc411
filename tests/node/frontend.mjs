// A frontend: follows the directory with the client that frontends use, and queries over the same connection.
const client = connect(argument(0), argument(1));
const { viewer } = await once(client, "{ viewer { person { displayName } } }");
tell({ viewer });
const query = "subscription { directoryChanged { kind person { displayName email } } }";
for await (const { data, errors } of client.iterate({ query })) {
  tell(errors ? { refused: errors[0].extensions.code } : { changed: data.directoryChanged });
}
