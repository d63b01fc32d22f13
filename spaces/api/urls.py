from django.urls import path

from spaces.api import asking, concepts, seed, spaces

seed_urlpatterns = [
    path("conceptual-spaces/create", seed.CreateSpace.as_view()),
    path("conceptual-spaces", seed.ListSpaces.as_view()),
]

urlpatterns = [
    path("spaces", spaces.SpaceCollection.as_view()),
    path("spaces/templates", spaces.Templates.as_view()),
    path("spaces/<uuid:space>", spaces.SpaceDetail.as_view()),
    path("spaces/<uuid:space>/versions", spaces.SpaceVersions.as_view()),
    path("spaces/<uuid:space>/dimensions", spaces.SpaceDimensions.as_view()),
    path("spaces/<uuid:space>/members", spaces.Members.as_view()),
    path("spaces/<uuid:space>/members/<uuid:memory>", spaces.MemberDetail.as_view()),
    path("spaces/<uuid:space>/positions", asking.Positions.as_view()),
    path("spaces/<uuid:space>/neighbours", asking.Neighbours.as_view()),
    path("spaces/<uuid:space>/explain", asking.Explain.as_view()),
    path("spaces/<uuid:space>/compare", asking.Compare.as_view()),
    path("spaces/<uuid:space>/clusters", asking.Clusters.as_view()),
    path("spaces/<uuid:space>/report", asking.DimensionReport.as_view()),
    path("spaces/<uuid:space>/concepts", concepts.Concepts.as_view()),
    path("spaces/<uuid:space>/concepts/<uuid:concept>", concepts.ConceptDetail.as_view()),
    path("spaces/<uuid:space>/relations", concepts.Relations.as_view()),
    path("spaces/<uuid:space>/relations/<uuid:relation>", concepts.RelationDetail.as_view()),
]
