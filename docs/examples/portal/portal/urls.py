from billing import views
from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

urlpatterns = [
    path("", views.home, name="home"),
    path("anmelden/", LoginView.as_view(), name="sign-in"),
    path("abmelden/", LogoutView.as_view(), name="sign-out"),
    path("rechnungen/<str:number>/", views.invoice, name="invoice"),
    path("rechnungen/<str:number>/erklaeren/", views.explain, name="explain"),
    path("verwaltung/", admin.site.urls),
    path("portal/assistant/", include("streams.urls")),
]
