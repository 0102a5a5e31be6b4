//! The API document, made from the registry: what is served is described, and nothing else.

use super::examples;
use crate::answer::Answer;
use crate::error::{Error, Result};
use crate::extract::Request;
use crate::routes::{Doc, Endpoint, Guard, Kind, Member, Registry, Returns};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock};
use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathItem, PathsBuilder,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, KnownFormat, ObjectBuilder, OneOfBuilder, Schema,
    SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required,
    ResponseBuilder, SecurityRequirement,
};
use utoipa_swagger_ui::Config;

const PAGE: &str = "/api/docs/";

pub fn endpoints() -> Vec<Endpoint> {
    let doc = |summary: &str, media_types: &'static [&'static str]| Doc {
        summary: summary.into(),
        tag: "document",
        query: Vec::new(),
        body: None,
        returns: Returns::File(media_types),
    };
    vec![
        Endpoint::open(
            Method::GET,
            "/api/openapi.json",
            doc("This document", &["application/json"]),
            async |_: Request| Ok(Answer::file("application/json", text())),
        ),
        Endpoint::open(
            Method::GET,
            PAGE,
            doc("This document as a page", &["text/html"]),
            async |_: Request| page("index.html"),
        ),
        Endpoint::open(
            Method::GET,
            "/api/docs/{file}",
            doc("What the page loads", &["text/html"]),
            async |request: Request| page(request.path.get("file")?),
        ),
    ]
}

/// A file of the page, out of the program itself.
fn page(file: &str) -> Result<Answer> {
    let config = Arc::new(Config::from("/api/openapi.json").validator_url("none"));
    let found = utoipa_swagger_ui::serve(file, config)
        .map_err(|error| Error::Internal(anyhow::anyhow!("{error}")))?
        .ok_or(Error::NotFound)?;
    if file == "index.html" {
        // The page is also served without the slash at the end, where its own links would miss.
        let html = String::from_utf8_lossy(&found.bytes)
            .replace("<head>", &format!("<head><base href=\"{PAGE}\">"))
            .replace(
                "<title>Swagger UI</title>",
                "<title>muster API DOCS</title>",
            );
        return Ok(Answer::file(&found.content_type, html));
    }
    Ok(Answer::file(&found.content_type, found.bytes.into_owned()))
}

/// The document as it is served and kept in the repository.
pub fn text() -> String {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let document = document(&super::registry());
        let mut text = document
            .to_pretty_json()
            .expect("the document holds plain values");
        text.push('\n');
        text
    })
    .clone()
}

/// Objects that stand in the document once, each under a name.
#[derive(Default)]
struct Named {
    objects: Vec<(String, Vec<Member>)>,
}

impl Named {
    /// Refers to an object of these members; `name` is its name unless it has one already.
    fn refer(&mut self, name: &str, members: &[Member]) -> RefOr<Schema> {
        let is_same = |known: &[Member]| {
            known.len() == members.len()
                && known
                    .iter()
                    .zip(members)
                    .all(|(a, b)| (a.name, a.about, a.required) == (b.name, b.about, b.required))
        };
        let name = match self.objects.iter().find(|(_, known)| is_same(known)) {
            Some((name, _)) => name.clone(),
            None => {
                let mut name = name.to_owned();
                while self.objects.iter().any(|(known, _)| *known == name) {
                    name.push('_');
                }
                self.objects.push((name.clone(), members.to_vec()));
                name
            }
        };
        RefOr::Ref(Ref::from_schema_name(name))
    }
}

/// The ways in which somebody says who he is, each of them enough.
const TOKEN: &str = "token";
const IN_QUERY: &str = "token_in_query";
const BASIC: &str = "basic";

fn document(registry: &Registry) -> OpenApi {
    let mut named = Named::default();
    let mut paths = PathsBuilder::new();
    for endpoint in registry.endpoints() {
        if let Some(method) = method(&endpoint.method) {
            paths = paths.path(
                endpoint.path.clone(),
                PathItem::new(method, operation(endpoint, &mut named)),
            );
        }
    }
    let mut components = ComponentsBuilder::new();
    for (name, members) in &named.objects {
        components = components.schema(name, object(members));
    }
    let token = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
        "Authorization",
        "A word (Token, JWT, Bearer or Bearer-Token) and a token of a login door or an API client.",
    )));
    let in_query = SecurityScheme::ApiKey(ApiKey::Query(ApiKeyValue::with_description(
        "access_token",
        "The token of an API client; of nobody else. Addresses are written down by what lies between, \
         so a header is better. The option `api.query_token` turns it off.",
    )));
    let mut basic = Http::new(HttpAuthScheme::Basic);
    basic.description = Some(
        "A user's name and password, each time; answers are BioTime's. The option `api.basic` turns it on."
            .to_owned(),
    );
    for (name, scheme) in [
        (TOKEN, token),
        (IN_QUERY, in_query),
        (BASIC, SecurityScheme::Http(basic)),
    ] {
        components = components.security_scheme(name, scheme);
    }
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("muster")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(
                    "Answers come in one of two profiles, EasyTimePro or BioTime, by the door of \
                     the login or the setting of the API client. Every path is served with and \
                     without the slash at its end.",
                ))
                .build(),
        )
        .paths(paths.build())
        .components(Some(components.build()))
        .security(Some(
            [TOKEN, IN_QUERY, BASIC].map(|name| SecurityRequirement::new(name, [""; 0])),
        ))
        .build()
}

fn method(method: &Method) -> Option<HttpMethod> {
    Some(match *method {
        Method::GET => HttpMethod::Get,
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::PATCH => HttpMethod::Patch,
        Method::DELETE => HttpMethod::Delete,
        _ => return None,
    })
}

fn operation(endpoint: &Endpoint, named: &mut Named) -> OperationBuilder {
    let doc = &endpoint.doc;
    let mut operation = OperationBuilder::new()
        .tag(doc.tag)
        .summary(Some(doc.summary.clone()))
        .description(Some(match endpoint.guard {
            Guard::Open => "For anybody.".to_owned(),
            Guard::Right(right) => format!("Needs the right `{right}`."),
            Guard::OwnRows(right) => {
                format!("Needs the right `{right}`; employees see what is their own.")
            }
        }));
    if endpoint.guard == Guard::Open {
        operation = operation.securities(Some([]));
    }
    for name in endpoint
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    {
        operation = operation.parameter(
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(schema(Kind::Text, "")))
                .example(Some(examples::value(name, Kind::Text))),
        );
    }
    for parameter in &doc.query {
        operation = operation.parameter(
            ParameterBuilder::new()
                .name(&parameter.name)
                .parameter_in(ParameterIn::Query)
                .required(Required::False)
                .description((!parameter.about.is_empty()).then_some(parameter.about))
                .schema(Some(schema(asked_as(parameter.kind), "")))
                .example(Some(examples::value(
                    &parameter.name,
                    asked_as(parameter.kind),
                ))),
        );
    }
    let thing = title(doc.tag);
    if let Some(members) = doc.body {
        // An update needs nothing: what is not sent stays.
        let is_update = matches!(endpoint.method, Method::PUT | Method::PATCH);
        let (name, members): (_, Vec<Member>) = if is_update {
            let optional = members.iter().map(|member| Member {
                required: false,
                ..*member
            });
            (format!("{thing}Change"), optional.collect())
        } else {
            (format!("{thing}Body"), members.to_vec())
        };
        let schema = named.refer(&name, &members);
        // A change is shown by the few members a new thing needs.
        let mut example: Vec<Member> = doc.body.unwrap_or_default().to_vec();
        if example.iter().any(|member| member.required) {
            example.retain(|member| member.required);
        }
        let mut body = RequestBodyBuilder::new().required(Some(Required::True));
        let has_file = doc
            .body
            .is_some_and(|members| members.iter().any(|member| member.kind == Kind::File));
        let media_types: &[&str] = if has_file {
            &["multipart/form-data"]
        } else {
            &[
                "application/json",
                "application/x-www-form-urlencoded",
                "multipart/form-data",
            ]
        };
        for media_type in media_types {
            body = body.content(
                *media_type,
                ContentBuilder::new()
                    .schema(Some(schema.clone()))
                    .example(Some(examples::object(&example)))
                    .build(),
            );
        }
        operation = operation.request_body(Some(body.build()));
    }
    let (status, answer) = match doc.returns {
        Returns::Page(members) => (
            StatusCode::OK,
            ResponseBuilder::new().description("A page.").content(
                "application/json",
                json(
                    page_of(named.refer(&thing, members)),
                    json!({
                        "count": 1,
                        "next": null,
                        "previous": null,
                        "msg": "",
                        "code": 0,
                        "data": [examples::object(members)],
                    }),
                ),
            ),
        ),
        Returns::One(status, members) => (
            status,
            ResponseBuilder::new().description("Done.").content(
                "application/json",
                json(named.refer(&thing, members), examples::object(members)),
            ),
        ),
        Returns::Deleted => (
            StatusCode::OK,
            ResponseBuilder::new()
                .description("Done, in the EasyTimePro profile.")
                .content(
                    "application/json",
                    json(named.refer("Deleted", DELETED), examples::object(DELETED)),
                ),
        ),
        Returns::Hidden => (
            StatusCode::NO_CONTENT,
            ResponseBuilder::new().description("Done, in the BioTime profile."),
        ),
        Returns::File(media_types) => (
            StatusCode::OK,
            media_types.iter().fold(
                ResponseBuilder::new().description("The file."),
                |response, media_type| response.content(*media_type, ContentBuilder::new().build()),
            ),
        ),
    };
    operation = operation.response(status.as_str(), answer.build());
    if matches!(doc.returns, Returns::Deleted) {
        let nothing = ResponseBuilder::new().description("Done, in the BioTime profile.");
        operation = operation.response("204", nothing.build());
    }
    for (status, about) in refusals(endpoint) {
        operation = operation.response(
            status,
            ResponseBuilder::new()
                .description(about)
                .content(
                    "application/json",
                    json(named.refer("Refusal", REFUSED), json!({ "detail": about })),
                )
                .build(),
        );
    }
    operation
}

const DELETED: &[Member] = &[Member::new("message", Kind::Text, "deleted")];
const REFUSED: &[Member] = &[
    Member::new(
        "detail",
        Kind::Text,
        "The reason; or in its place, under each field's name, a list of texts.",
    ),
    Member::new(
        "code",
        Kind::Reference,
        "In the EasyTimePro profile the appendix's number; of a token that is refused, token_not_valid.",
    ),
    Member::new("msg", Kind::Text, "In the EasyTimePro profile."),
    Member::new("data", Kind::Object, "In the EasyTimePro profile: empty."),
];

fn refusals(endpoint: &Endpoint) -> Vec<(&'static str, &'static str)> {
    let mut refusals = Vec::new();
    let removes = matches!(endpoint.doc.returns, Returns::Deleted);
    // Also what only reads one thing refuses a query with null characters.
    let wrong = if removes {
        "It is in use, or cannot be missed."
    } else {
        "Something is wrong with what was sent."
    };
    refusals.push(("400", wrong));
    if endpoint.guard != Guard::Open {
        refusals.push(("401", "No credential, or one that is not good."));
        refusals.push(("403", "The right is missing."));
    }
    if endpoint.path.contains('{') {
        refusals.push((
            "404",
            "There is no such thing, or it is not the caller's to see.",
        ));
    }
    if matches!(endpoint.doc.returns, Returns::Page(_)) {
        refusals.push(("404", "There is no such page."));
    }
    if matches!(endpoint.doc.returns, Returns::Hidden) {
        refusals.push(("405", "The EasyTimePro profile has no such thing."));
    }
    if endpoint.doc.tag == "login" && endpoint.doc.body.is_some() {
        refusals.push(("401", "The credential is not good."));
        refusals.push(("429", "Too many wrong passwords; Retry-After says when."));
    }
    refusals
}

fn title(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

fn json(schema: RefOr<Schema>, example: Value) -> utoipa::openapi::Content {
    ContentBuilder::new()
        .schema(Some(schema))
        .example(Some(example))
        .build()
}

/// A filter takes texts: several values stand in one, with commas.
fn asked_as(kind: Kind) -> Kind {
    match kind {
        Kind::Integer | Kind::Boolean | Kind::Date => kind,
        _ => Kind::Text,
    }
}

fn page_of(row: RefOr<Schema>) -> RefOr<Schema> {
    let link = || typed(&[Type::String, Type::Null], "");
    ObjectBuilder::new()
        .property(
            "count",
            schema(Kind::Integer, "How many there are on all pages."),
        )
        .property("next", link())
        .property("previous", link())
        .property("msg", schema(Kind::Text, ""))
        .property("code", schema(Kind::Integer, "0"))
        .property("data", ArrayBuilder::new().items(row).build())
        .build()
        .into()
}

fn object(members: &[Member]) -> RefOr<Schema> {
    let mut object = ObjectBuilder::new();
    for member in members {
        object = object.property(member.name, schema(member.kind, member.about));
        if member.required {
            object = object.required(member.name);
        }
    }
    object.build().into()
}

fn typed(types: &[Type], about: &str) -> RefOr<Schema> {
    let of = match types {
        [single] => SchemaType::Type(single.clone()),
        several => SchemaType::Array(several.to_vec()),
    };
    ObjectBuilder::new()
        .schema_type(of)
        .description((!about.is_empty()).then_some(about))
        .build()
        .into()
}

fn formatted(format: KnownFormat, about: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::Array(vec![Type::String, Type::Null]))
        .format(Some(SchemaFormat::KnownFormat(format)))
        .description((!about.is_empty()).then_some(about))
        .build()
        .into()
}

fn schema(kind: Kind, about: &str) -> RefOr<Schema> {
    let anything = || {
        ObjectBuilder::new()
            .additional_properties(Some(AdditionalProperties::FreeForm(true)))
            .description((!about.is_empty()).then_some(about))
            .build()
    };
    let list = |items: RefOr<Schema>| -> RefOr<Schema> {
        ArrayBuilder::new()
            .items(items)
            .description((!about.is_empty()).then_some(about))
            .build()
            .into()
    };
    match kind {
        Kind::Text => typed(&[Type::String, Type::Null], about),
        Kind::Integer => typed(&[Type::Integer, Type::Null], about),
        Kind::Number => typed(&[Type::Number, Type::Null], about),
        Kind::Boolean => typed(&[Type::Boolean], about),
        Kind::Date => formatted(KnownFormat::Date, about),
        Kind::Time => typed(
            &[Type::String, Type::Null],
            if about.is_empty() {
                "YYYY-MM-DD HH:MM:SS"
            } else {
                about
            },
        ),
        Kind::Null => typed(&[Type::Null], about),
        Kind::File => formatted(KnownFormat::Binary, about),
        Kind::Object => anything().into(),
        Kind::TextList => list(typed(&[Type::String], "")),
        Kind::ObjectList => list(anything().into()),
        Kind::Reference => typed(&[Type::String, Type::Integer, Type::Null], about),
        Kind::ReferenceList => list(typed(&[Type::String, Type::Integer], "")),
        Kind::Relation => RefOr::T(Schema::OneOf(
            OneOfBuilder::new()
                .item(anything())
                .item(typed(&[Type::String, Type::Integer, Type::Null], ""))
                .build(),
        )),
        Kind::RelationList => list(RefOr::T(Schema::OneOf(
            OneOfBuilder::new()
                .item(anything())
                .item(typed(&[Type::String, Type::Integer], ""))
                .build(),
        ))),
    }
}
